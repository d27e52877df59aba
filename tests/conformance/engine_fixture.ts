/** What the tests of the conformance suite share. */
import { assert } from "@std/assert";
import type { Engine, KeyRange, KeyValue, Write } from "../../storage/engine.ts";

/** An engine on fresh storage. */
export interface EngineFixture {
  readonly engine: Engine;
  /** Closes the present engine and opens another on the same storage. */
  reopen(): Promise<Engine>;
  /** Closes whatever is open and removes the storage. */
  dispose(): Promise<void>;
}

/** Registers a test that gets a fresh engine. */
export type EngineTest = (
  what: string,
  body: (engine: Engine, fixture: EngineFixture) => Promise<void>,
) => void;

/** A range around every key of the tests. */
export const EVERYTHING: KeyRange = { start: Buffer.of(0), end: Buffer.alloc(64, 0xff) };
export const UNSYNCED = { sync: false };

export function put(key: Uint8Array | string, value: Uint8Array | string): Write {
  return { type: "put", key: Buffer.from(key), value: Buffer.from(value) };
}

export function del(key: Uint8Array | string): Write {
  return { type: "del", key: Buffer.from(key) };
}

export function range(start: string, end: string): KeyRange {
  return { start: Buffer.from(start), end: Buffer.from(end) };
}

/** The keys as text with spaces between. */
export function keysOf(pairs: readonly KeyValue[]): string {
  return pairs.map(({ key }) => String(key)).join(" ");
}

/** All pairs of a range, read in pages. */
export async function collect(engine: Engine, over: KeyRange, limit: number): Promise<KeyValue[]> {
  const iterator = engine.iterate(over);
  const pairs: KeyValue[] = [];
  while (true) {
    const more = await iterator.next(limit);
    assert(more.length <= limit);
    if (more.length === 0) break;
    pairs.push(...more);
  }
  await iterator.close();
  return pairs;
}
