import { assert, assertEquals, assertRejects } from "@std/assert";
import { GET_SLICE_KEYS, HELD_BYTES_MAX, READING_KEYS_MAX, RESPONSE_BYTES_MAX } from "../limits.ts";
import { plainResults, valueResult } from "../machine/results.ts";
import { ReadBudget } from "./read_budget.ts";

/** A read that ends when it is told to. */
class Read {
  readonly #end = Promise.withResolvers<void>();
  readonly done: Promise<void>;
  hasBegun = false;

  constructor(reads: ReadBudget, keys: number) {
    this.done = reads.run(keys, async () => {
      this.hasBegun = true;
      await this.#end.promise;
    });
  }

  async end(): Promise<void> {
    this.#end.resolve();
    await this.done;
  }
}

function large(bytes: number) {
  return valueResult(new Uint8Array(bytes));
}

Deno.test("ReadBudget.run() lets reads of so many keys run at once, the others in their order", async () => {
  const reads = new ReadBudget();
  const running = Array.from(
    { length: READING_KEYS_MAX / GET_SLICE_KEYS },
    () => new Read(reads, 1_000),
  );
  const [second, third] = [new Read(reads, GET_SLICE_KEYS), new Read(reads, 1)];
  await settled();
  assertEquals([...running, second, third].map(({ hasBegun }) => hasBegun), [
    ...running.map(() => true),
    false,
    false,
  ]);
  await running[0]?.end();
  assertEquals([second.hasBegun, third.hasBegun], [true, false]);
  await running[1]?.end();
  assert(third.hasBegun);
  for (const read of [...running, second, third]) await read.end();
});

Deno.test("ReadBudget.run() makes room when a read fails", async () => {
  const reads = new ReadBudget();
  const failing = Array.from(
    { length: READING_KEYS_MAX },
    () => reads.run(1, () => Promise.reject(new Error("no"))).catch(() => {}),
  );
  const next = new Read(reads, 1);
  await Promise.all(failing);
  assert(next.hasBegun);
  await next.end();
});

Deno.test("ReadBudget.run() waits while too many values are held for answers whose writes are under way", async () => {
  const reads = new ReadBudget();
  const writing = Promise.withResolvers<void>();
  const held = reads.holdWhile(writing.promise, [
    large(HELD_BYTES_MAX / 2),
    large(HELD_BYTES_MAX / 2),
  ]);
  const before = new Read(reads, 1);
  assert(before.hasBegun);
  const failing = Promise.withResolvers<void>();
  const heldToo = reads.holdWhile(failing.promise, [plainResults.NO_KEY, large(1)]);
  const read = new Read(reads, 1);
  await before.end();
  assert(!read.hasBegun);
  failing.reject(new Error("no"));
  await heldToo;
  assert(read.hasBegun);
  await read.end();
  writing.resolve();
  await held;
});

Deno.test("ReadBudget.run() reads nothing for a caller that is gone when its turn comes", async () => {
  const reads = new ReadBudget();
  const all = new Read(reads, READING_KEYS_MAX);
  const others = Array.from({ length: 7 }, () => new Read(reads, READING_KEYS_MAX));
  const caller = new AbortController();
  let hasRead = false;
  const read = () => Promise.resolve(void (hasRead = true));
  const rejected = assertRejects(() => reads.run(1, read, caller), Error, "gone");
  caller.abort(new Error("gone"));
  await all.end();
  await rejected;
  assert(!hasRead);
  for (const other of others) await other.end();
  await reads.run(1, read);
  assert(hasRead);
  // It has left no trace: as many are read at once as ever.
  const shares = READING_KEYS_MAX / GET_SLICE_KEYS;
  const full = Array.from({ length: shares }, () => new Read(reads, GET_SLICE_KEYS));
  await settled();
  assert(full.every(({ hasBegun }) => hasBegun));
  for (const each of full) await each.end();
});

Deno.test("ReadBudget.sliceKeys() is as many as fit into what is left", () => {
  const reads = new ReadBudget();
  assertEquals(reads.sliceKeys(RESPONSE_BYTES_MAX), 12);
  reads.saw([large(RESPONSE_BYTES_MAX / 4), plainResults.NO_KEY]);
  assertEquals(reads.sliceKeys(RESPONSE_BYTES_MAX), 4);
  reads.saw([plainResults.NO_KEY, plainResults.WRONG_GROUP]);
  assertEquals(reads.sliceKeys(RESPONSE_BYTES_MAX), 4);
  assertEquals(reads.sliceKeys(RESPONSE_BYTES_MAX / 2), 2);
  reads.saw([large(2 * RESPONSE_BYTES_MAX)]);
  assertEquals(reads.sliceKeys(RESPONSE_BYTES_MAX), 1);
  for (let i = 0; i < 20; i++) reads.saw([large(10)]);
  assertEquals(reads.sliceKeys(RESPONSE_BYTES_MAX), GET_SLICE_KEYS);
});

/** Lets everything go on that can. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
