/**
 * The part of the `rocksdb` module (5.2.1) that we use, with types, as promises.
 *
 * The module trusts its callers: any call on a closed database ends the
 * process with a segmentation fault, and a key that is not a `Buffer` is stored
 * as its text. rocksdb_engine.ts keeps both from happening.
 */
import rocksdb from "rocksdb";

/** How the binding reports the end of a call. */
export type NativeCallback<T = void> = (error: Error | null | undefined, value: T) => void;

/** Sizes in bytes. */
export interface NativeOpenOptions {
  readonly createIfMissing: boolean;
  readonly writeBufferSize: number;
  readonly cacheSize: number;
  readonly maxOpenFiles: number;
  readonly blockSize: number;
  readonly compression: boolean;
}

export interface NativeRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

export interface NativeIteratorOptions extends NativeRange {
  readonly reverse?: boolean;
  readonly values?: boolean;
  /** At most this many pairs; -1 for all. */
  readonly limit?: number;
  /** Bytes of one read-ahead. */
  readonly highWaterMark: number;
}

export interface NativeIterator {
  /** What was read ahead: keys and values in turn, to be taken from the end. */
  readonly cache: Buffer[] | null;
  /** Without a key at the end. */
  next(callback: (error: Error | null | undefined, key?: Buffer, value?: Buffer) => void): void;
  /** Goes to a key; what was read ahead is void. */
  seek(target: Buffer): void;
  end(callback: NativeCallback): void;
}

/**
 * Changes that are handed over one by one, and written together: on the event
 * loop it takes half of what an array of objects takes, whose properties the
 * binding looks up by name. Keys and values may be changed once they were given.
 */
export interface NativeBatch {
  put(key: Buffer, value: Buffer): unknown;
  del(key: Buffer): unknown;
  write(options: { sync: boolean }, callback: NativeCallback): void;
}

export interface NativeDatabase {
  open(options: NativeOpenOptions, callback: NativeCallback): void;
  close(callback: NativeCallback): void;
  get(key: Buffer, callback: NativeCallback<Buffer>): void;
  getMany(keys: readonly Buffer[], callback: NativeCallback<(Buffer | undefined)[]>): void;
  batch(): NativeBatch;
  iterator(options: NativeIteratorOptions): NativeIterator;
  /** Text of a property, empty if it is unknown. */
  getProperty(name: string): string;
}

/** A database that is not open yet. */
export function createNative(path: string): NativeDatabase {
  const create = rocksdb as unknown as (path: string) => NativeDatabase;
  return create(path);
}

/** Turns a call with a callback into a promise. */
export function promised<T>(call: (callback: NativeCallback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => error ? reject(error) : resolve(value));
  });
}
