import { assertEquals, assertRejects } from "@std/assert";
import { MessageQueue } from "./message_queue.ts";

async function drain<T>(queue: MessageQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

Deno.test("MessageQueue hands over what waits, in order, then ends", async () => {
  const queue = new MessageQueue<number>();
  for (let i = 0; i < 5_000; i++) queue.push(i);
  queue.end();
  queue.push(-1);
  queue.fail(new Error("Too late"));
  assertEquals(queue.waiting, 5_000);
  assertEquals(await drain(queue), Array.from({ length: 5_000 }, (_, i) => i));
  assertEquals(queue.waiting, 0);
});

Deno.test("MessageQueue wakes a reader that waits", async () => {
  const queue = new MessageQueue<string>();
  const reader = queue[Symbol.asyncIterator]();
  const first = reader.next();
  queue.push("a");
  assertEquals(await first, { done: false, value: "a" });
  const end = reader.next();
  queue.end();
  assertEquals(await end, { done: true, value: undefined });
});

Deno.test("MessageQueue throws an error once, after what came before it", async () => {
  const queue = new MessageQueue<number>();
  queue.push(1);
  queue.fail(new Error("Broken"));
  const reader = queue[Symbol.asyncIterator]();
  assertEquals((await reader.next()).value, 1);
  await assertRejects(() => reader.next(), Error, "Broken");
  assertEquals((await reader.next()).done, true);
});

Deno.test("MessageQueue.abort() throws away what waits", async () => {
  const queue = new MessageQueue<number>();
  queue.push(1);
  queue.abort(new Error("Cancelled"));
  await assertRejects(() => drain(queue), Error, "Cancelled");
});

Deno.test("MessageQueue tells of messages taken and of a reader that left", async () => {
  const taken: number[] = [];
  let abandoned = 0;
  const queue = new MessageQueue<number>({
    onTake: (waiting) => taken.push(waiting),
    onAbandon: () => abandoned++,
  });
  for (const item of [1, 2, 3]) queue.push(item);
  for await (const item of queue) if (item === 2) break;
  assertEquals([taken, abandoned, queue.waiting], [[2, 1], 1, 0]);
});
