import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { KvError } from "../../../rpc/errors.ts";
import { ReadBarriers } from "./read_barriers.ts";

/** Starts a round if one may start, and says under which context. */
function start(barriers: ReadBarriers): number | undefined {
  let started: number | undefined;
  barriers.startRound((context) => {
    started = context;
  });
  return started;
}

Deno.test("ReadBarriers: callers share a round and wait until its index is applied", async () => {
  const barriers = new ReadBarriers(20);
  let passed = 0;
  const reads = [barriers.enqueue(), barriers.enqueue()].map((read) => read.then(() => passed++));
  const context = start(barriers) as number;
  barriers.confirm({ context, index: 10 }, 9);
  await Promise.resolve();
  assertEquals(passed, 0);
  barriers.onApplied(10);
  await Promise.all(reads);
  assertEquals(passed, 2);
});

Deno.test("ReadBarriers: a read that comes during a round needs a round of its own", async () => {
  const barriers = new ReadBarriers(20);
  const first = barriers.enqueue();
  const firstContext = start(barriers) as number;
  let secondPassed = false;
  const second = barriers.enqueue().then(() => {
    secondPassed = true;
  });
  const secondContext = start(barriers) as number;
  assertNotEquals(firstContext, secondContext);
  barriers.confirm({ context: firstContext, index: 1 }, 5);
  await first;
  assertEquals(secondPassed, false);
  barriers.confirm({ context: secondContext, index: 1 }, 5);
  await second;
});

Deno.test("ReadBarriers.tick() gives up a round nobody confirms", async () => {
  const barriers = new ReadBarriers(3);
  const read = barriers.enqueue();
  const context = start(barriers) as number;
  for (let i = 0; i < 3; i++) barriers.tick();
  const error = await assertRejects(() => read, KvError);
  assertEquals(error.code, "UNAVAILABLE");
  // A confirmation that comes too late finds nobody.
  barriers.confirm({ context, index: 1 }, 1);
});

Deno.test("ReadBarriers.failAll() leaves no caller without an answer", async () => {
  const barriers = new ReadBarriers(3);
  const confirmed = barriers.enqueue();
  barriers.confirm({ context: start(barriers) as number, index: 9 }, 1);
  const started = barriers.enqueue();
  start(barriers);
  const queued = barriers.enqueue();
  barriers.failAll(new KvError("NOT_LEADER", "Stepped down"));
  for (const read of [confirmed, started, queued]) {
    await assertRejects(() => read, KvError, "Stepped down");
  }
});
