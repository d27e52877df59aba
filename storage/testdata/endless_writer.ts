/**
 * A process to be killed: writes batches 1, 2, 3... of two keys each into the
 * directory given as argument, and prints each number once it is acknowledged.
 */
import { RocksdbEngine } from "../rocksdb_engine.ts";

/** Batches in flight, so that a kill meets merged ones too. */
const IN_FLIGHT = 8;

const [path = ""] = Deno.args;
// Small, so that tables are written and marks are deleted while it runs.
const engine = await RocksdbEngine.open(path, { writeBufferSize: 65_536 });
const encoder = new TextEncoder();
let last = 0;

async function writeOn(): Promise<never> {
  while (true) {
    const number = ++last;
    const value = Buffer.from(`${number} `.repeat(10));
    const batch = ["a", "b"].map((side) => ({
      type: "put" as const,
      key: Buffer.from(`${side}${String(number).padStart(8, "0")}`),
      value,
    }));
    await engine.write(batch, { sync: number % 3 === 0 });
    Deno.stdout.writeSync(encoder.encode(`${number}\n`));
  }
}

await Promise.all(Array.from({ length: IN_FLIGHT }, writeOn));
