import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { ARRIVAL_MS_MAX } from "../limits.ts";
import { Arrivals } from "./arrivals.ts";

Deno.test("Arrivals lets writes go once the shard's last step is in the log, and reads once it is applied", async () => {
  const clock = new VirtualClock();
  const arrivals = new Arrivals(clock);
  const seen: string[] = [];
  arrivals.expect(1);
  arrivals.expect(1);
  arrivals.holdWrites([0, 1]).then((wasExpected) => seen.push(`write ${wasExpected}`));
  arrivals.holdReads([1]).then(() => seen.push("read"));
  arrivals.holdWrites([0]).then((wasExpected) => seen.push(`other ${wasExpected}`));
  await clock.advance(10);
  assertEquals(seen, ["other false"]);
  arrivals.proposed(1);
  await clock.advance(0);
  assertEquals(seen, ["other false", "write true"]);
  assertEquals(await arrivals.holdWrites([1]), true, "behind what is in the log already");
  arrivals.end(1);
  await clock.advance(0);
  assertEquals(seen, ["other false", "write true", "read"]);
  assertEquals([arrivals.areExpected, await arrivals.holdWrites([1])], [false, false]);
});

Deno.test("Arrivals keeps nobody waiting for a shard that does not come", async () => {
  const clock = new VirtualClock();
  const arrivals = new Arrivals(clock);
  arrivals.expect(1);
  const startMs = clock.now();
  const waiting = Promise.all([arrivals.holdWrites([1]), arrivals.holdReads([1])]);
  await clock.resolve(waiting, 2 * ARRIVAL_MS_MAX);
  assertEquals(clock.now() - startMs, ARRIVAL_MS_MAX);
  assertEquals(arrivals.isExpected(1), false);
});

Deno.test("Arrivals has a request wait for all of its shards, however often they are expected", async () => {
  const clock = new VirtualClock();
  const arrivals = new Arrivals(clock);
  const seen: string[] = [];
  for (const shard of [1, 2]) arrivals.expect(shard);
  arrivals.holdWrites([1, 2]).then(() => seen.push("write"));
  arrivals.holdReads([1, 2]).then(() => seen.push("read"));
  arrivals.expect(2);
  arrivals.end(1);
  await clock.advance(0);
  assertEquals(seen, []);
  arrivals.end(2);
  await clock.advance(0);
  assertEquals(seen.sort(), ["read", "write"]);
  assertEquals(clock.pending, 0);
});
