import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { accepted, only } from "../testing/messages.ts";
import { elect, TestNode } from "../testing/test_node.ts";
import { HeldMessages, HOLD_MS } from "./held_messages.ts";

Deno.test("HeldMessages has what a leader holds back leave after a while, once", async () => {
  const node = elect(new TestNode({ voters: [1, 2, 3], config: { thrifty: true } }));
  const { term } = node.status;
  for (const from of [2, 3]) node.raw.step(accepted({ from, term, index: 1 }));
  node.drain();
  node.raw.sendHeld();
  node.drain();

  const clock = new VirtualClock();
  const receivers: number[][] = [];
  const wake = () => void receivers.push(only(node.drain(), "append").map(({ to }) => to));
  const held = new HeldMessages({ core: node.raw, clock, wake });
  held.watch();
  await clock.advance(10 * HOLD_MS);
  assertEquals(receivers, [], "nothing is held back");

  node.propose("a");
  node.drain();
  held.watch();
  await clock.advance(HOLD_MS / 2);
  node.propose("b");
  node.drain();
  held.watch();
  await clock.advance(HOLD_MS / 2 - 1);
  assertEquals(receivers, []);
  await clock.advance(1);
  assertEquals(receivers, [[3]]);

  node.propose("c");
  node.drain();
  held.watch();
  held.stop();
  await clock.advance(10 * HOLD_MS);
  assertEquals(receivers, [[3]], "a node that has stopped sends nothing more");
});
