/**
 * Where a node keeps its bytes: the ordered key-value {@linkcode Engine} port
 * with its two engines, and the table of who owns which keys.
 *
 * May import runtime/ and nothing else of ours.
 *
 * @example
 * ```ts
 * import { MemoryEngine } from "./memory_engine.ts";
 *
 * const engine = new MemoryEngine();
 * const key = Buffer.from("name");
 * await engine.write([{ type: "put", key, value: Buffer.from("Ada") }], { sync: true });
 * const value = await engine.get(key);
 * await engine.close();
 * ```
 *
 * @module
 */
export * from "./engine.ts";
export * from "./key_space.ts";
export * from "./memory_engine.ts";
export * from "./rocksdb_engine.ts";
export type { RocksdbOptions } from "./rocksdb_open.ts";
