import { assertEquals, assertRejects } from "@std/assert";
import type { Write } from "./engine.ts";
import { MERGED_BYTES_MAX, MERGED_WRITES_MAX, WriteQueue } from "./write_queue.ts";

function batchOf(name: string, { writes = 1, bytes = 1 } = {}): Write[] {
  const value = Buffer.alloc(bytes - 1);
  return Array.from({ length: writes }, () => ({ type: "put", key: Buffer.from(name), value }));
}

/** A commit that is finished by hand, and a record of what it was asked for. */
class ManualCommit {
  readonly seen: { readonly names: string; readonly sync: boolean }[] = [];
  #finish = Promise.withResolvers<void>();

  readonly commit = (batches: readonly (readonly Write[])[], sync: boolean): Promise<void> => {
    const names = batches.map(([first]) => String(first?.key)).join("");
    this.seen.push({ names, sync });
    this.#finish = Promise.withResolvers();
    return this.#finish.promise;
  };

  finish(): void {
    this.#finish.resolve();
  }

  fail(reason: Error): void {
    this.#finish.reject(reason);
  }
}

Deno.test("WriteQueue merges what arrives during a commit into the next, in order", async () => {
  const manual = new ManualCommit();
  const queue = new WriteQueue(manual.commit);
  const first = queue.push(batchOf("a"), false);
  const rest = ["b", "c", "d"].map((name) => queue.push(batchOf(name), name === "c"));
  assertEquals(manual.seen, [{ names: "a", sync: false }]);
  manual.finish();
  await first;
  await Promise.resolve();
  assertEquals(manual.seen[1], { names: "bcd", sync: true });
  manual.finish();
  await Promise.all(rest);
});

Deno.test("WriteQueue never merges past its limits, but takes larger batches alone", async () => {
  const manual = new ManualCommit();
  const queue = new WriteQueue(manual.commit);
  const pushes = [
    queue.push(batchOf("a"), false),
    queue.push(batchOf("b", { writes: MERGED_WRITES_MAX - 1 }), false),
    queue.push(batchOf("c"), false),
    queue.push(batchOf("d"), false),
    queue.push(batchOf("e", { bytes: MERGED_BYTES_MAX + 1 }), false),
    queue.push(batchOf("f", { writes: MERGED_WRITES_MAX + 1 }), false),
    queue.push(batchOf("g"), false),
  ];
  for (const push of pushes) {
    manual.finish();
    await push;
  }
  assertEquals(manual.seen.map(({ names }) => names), ["a", "bc", "d", "e", "f", "g"]);
});

Deno.test("WriteQueue fails what follows a failed commit, now and later", async () => {
  const manual = new ManualCommit();
  const queue = new WriteQueue(manual.commit);
  const pushes = ["a", "b", "c"].map((name) => queue.push(batchOf(name), false));
  manual.fail(new Error("Disk on fire"));
  for (const push of pushes) await assertRejects(() => push, Error, "Disk on fire");
  await assertRejects(() => queue.push(batchOf("d"), false), Error, "Disk on fire");
  assertEquals(manual.seen.length, 1);
});

Deno.test("WriteQueue.fail() refuses queued batches and leaves the one under way", async () => {
  const manual = new ManualCommit();
  const queue = new WriteQueue(manual.commit);
  const underWay = queue.push(batchOf("a"), true);
  const queued = queue.push(batchOf("b"), true);
  queue.fail(new Error("Power cut"));
  await assertRejects(() => queued, Error, "Power cut");
  manual.finish();
  await underWay;
});
