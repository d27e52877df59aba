import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { WriteOp } from "../../proto/gen/shardkv.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { Deadlines } from "./deadlines.ts";
import { Command, PendingCall } from "./pending_call.ts";

function aCall(index: number): PendingCall {
  const completion = { resolve: () => {}, reject: () => {} };
  const command = new Command(WriteOp.WRITE_OP_PUT, Buffer.from("k"));
  return new PendingCall(command, completion, index);
}

Deno.test("Deadlines tells of each call that is still held, at its time, in order", async () => {
  const plan = fc.array(
    fc.record({ timeoutMs: fc.constantFrom(10, 20, 20, 35), removed: fc.boolean() }),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(plan, async (calls) => {
      const clock = new VirtualClock();
      const expired: [number, number][] = [];
      const onExpired = (call: PendingCall) => expired.push([clock.now(), call.index]);
      const deadlines = new Deadlines({ clock, onExpired });
      const expected: [number, number][] = [];
      for (const [index, { timeoutMs, removed }] of calls.entries()) {
        const call = aCall(index);
        deadlines.add(call, timeoutMs);
        if (removed) deadlines.remove(call);
        else expected.push([clock.now() + timeoutMs, index]);
        if (index % 3 === 0) await clock.advance(1);
      }
      await clock.advance(100);
      const byTime = (a: [number, number], b: [number, number]) => a[0] - b[0] || a[1] - b[1];
      const onTime = expired.map(([at, index]): [number, number] => [at, index]);
      assertEquals(onTime.sort(byTime), expected.sort(byTime));
      assertEquals([deadlines.size, clock.pending], [0, 0]);
    }),
    { seed: 1, numRuns: 30 },
  );
});

Deno.test("Deadlines needs one timer for any number of calls", () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines({ clock, onExpired: () => {} });
  const calls = Array.from({ length: 100 }, (_, index) => aCall(index));
  for (const call of calls) deadlines.add(call, 1_000 - call.index);
  assertEquals([deadlines.size, clock.pending], [100, 1]);
  for (const call of deadlines.calls()) deadlines.remove(call);
  deadlines.close();
  assertEquals([deadlines.size, clock.pending], [0, 0]);
});
