import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import { WriteBatch } from "../proto/gen/shardkv.ts";
import { BRAKE_MS_MAX } from "./limits.ts";
import { bytes, configChain, keyIn, write } from "./machine_harness.ts";
import { WriteBrake } from "./write_brake.ts";

function batchOf(shard: number): Buffer {
  const commands = [write({ key: bytes(keyIn(shard, 2)) })];
  return Buffer.from(WriteBatch.encode({ clientId: "1", lowestUnanswered: 0, commands }).finish());
}

Deno.test("WriteBrake holds writes to its shard for a while, and no others", async () => {
  const clock = new VirtualClock();
  const [config] = configChain([100, 100]);
  assert(config !== undefined);
  const ownership = { config, previous: config, shards: new Map(), garbage: [] };
  const brake = new WriteBrake(clock);
  const heldMs = async (shard: number) => {
    const startMs = clock.now();
    let endMs = startMs;
    const holding = brake.hold(batchOf(shard), ownership).then(() => endMs = clock.now());
    await clock.resolve(holding, 1_000);
    return endMs - startMs;
  };
  assertEquals(await heldMs(1), 0);
  brake.apply(1, 30);
  assertEquals([await heldMs(1), await heldMs(0)], [30, 0]);
  brake.apply(1, 10_000);
  assertEquals(await heldMs(1), BRAKE_MS_MAX, "never so long that clients notice");
  await clock.advance(2_000);
  assertEquals(await heldMs(1), 0, "nobody has asked again");
  brake.apply(1, 100);
  brake.apply(1, 100);
  clock.setTimer(() => void brake.lift(1), 10);
  assertEquals([await heldMs(1), await heldMs(1)], [10, 0], "lifted");
});
