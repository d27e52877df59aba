import { assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Message } from "../../message.ts";
import { frameCost, FrameQueue } from "./frame_queue.ts";

function append(prevIndex: number, bytes: number): Message {
  const data = new Uint8Array(bytes);
  const entries = [{ index: prevIndex + 1, term: 1, kind: "normal" as const, data }];
  return { type: "append", from: 1, to: 2, term: 1, prevIndex, prevTerm: 1, commit: 0, entries };
}

function heartbeat(commit: number): Message {
  return { type: "heartbeat", from: 1, to: 2, term: 1, commit, context: 0 };
}

Deno.test("FrameQueue.takeFrame() gives messages in order and empties the queue", () => {
  const queue = new FrameQueue();
  queue.push(heartbeat(1));
  queue.push(heartbeat(2));
  assertEquals(queue.takeFrame(), [heartbeat(1), heartbeat(2)]);
  assertEquals(queue.isEmpty, true);
});

Deno.test("FrameQueue.takeFrame() closes a frame at a mebibyte", () => {
  const queue = new FrameQueue();
  for (let i = 0; i < 5; i++) queue.push(append(i, 400_000));
  const frame = queue.takeFrame();
  assertEquals(frame.length, 2);
  assertLess(frameCost(frame), 1 << 20);
});

Deno.test("FrameQueue.takeFrame() lets a single larger message pass", () => {
  const queue = new FrameQueue();
  queue.push(append(0, 3 << 20));
  queue.push(heartbeat(1));
  assertEquals(queue.takeFrame().length, 1);
  assertEquals(queue.takeFrame().length, 1);
});

Deno.test("FrameQueue.push() drops the oldest beyond its bound and says so", () => {
  const queue = new FrameQueue();
  let dropped = 0;
  for (let i = 0; i < 100; i++) dropped += queue.push(append(i, 1 << 20));
  assertGreater(dropped, 60);
  const [first] = queue.takeFrame();
  assertEquals(first?.type === "append" && first.prevIndex, dropped);
});
