/** Opens RocksDB in a directory, and says clearly why when that fails. */
import { makeDirectory } from "./durable_directory.ts";
import { EngineError } from "./engine.ts";
import {
  createNative,
  type NativeDatabase,
  type NativeOpenOptions,
  promised,
} from "./rocksdb_binding.ts";
import { toEngineError } from "./rocksdb_errors.ts";

export interface RocksdbOptions {
  /**
   * Bytes of a memory table; two of them at most. A large one keeps the number
   * of tables, and with it the cost of each write, low.
   *
   * @default {33_554_432}
   */
  readonly writeBufferSize?: number;
  /** Bytes of table blocks kept in memory. @default {67_108_864} */
  readonly cacheSize?: number;
  /** Files RocksDB keeps open at most. @default {1_000} */
  readonly maxOpenFiles?: number;
  /** Bytes of a table block before compression. @default {4_096} */
  readonly blockSize?: number;
  /** Compresses tables with Snappy. @default {true} */
  readonly compression?: boolean;
}

/**
 * Opens the database in `path`, creating it and its parents if need be.
 *
 * @throws {EngineError} Of kind "locked" if another process has it open, or of
 * another kind by cause
 */
export async function openNative(path: string, options: RocksdbOptions): Promise<NativeDatabase> {
  const native: NativeOpenOptions = {
    createIfMissing: true,
    writeBufferSize: options.writeBufferSize ?? 32 * 1024 * 1024,
    cacheSize: options.cacheSize ?? 64 * 1024 * 1024,
    maxOpenFiles: options.maxOpenFiles ?? 1_000,
    blockSize: options.blockSize ?? 4_096,
    compression: options.compression ?? true,
  };
  await create(path);
  try {
    const database = createNative(path);
    await promised<void>((callback) => database.open(native, callback));
    return database;
  } catch (error) {
    throw toEngineError("open", path, error);
  }
}

/** Before RocksDB does, which makes no parents, and does not see to it that the name is durable. */
async function create(path: string): Promise<void> {
  try {
    await makeDirectory(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotCapable
      ? "create it first, or grant --allow-read and --allow-write for where it is to be"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new EngineError("io", `Cannot create the directory '${path}': ${reason}`, {
      cause: error,
    });
  }
}
