import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { BRAKE_MS_MAX } from "../limits.ts";
import { WriteBrake } from "./write_brake.ts";

Deno.test("WriteBrake holds writes to its shard for a while, and no others", async () => {
  const clock = new VirtualClock();
  const brake = new WriteBrake(clock);
  const heldMs = async (shard: number) => {
    const startMs = clock.now();
    const holding = brake.hold([shard], () => Promise.resolve(clock.now()));
    return await clock.resolve(holding, 1_000) - startMs;
  };
  assertEquals(await heldMs(1), 0);
  brake.apply(1, 30);
  assertEquals([await heldMs(1), await heldMs(0)], [30, 0]);
  brake.apply(1, 10_000);
  assertEquals(await heldMs(1), BRAKE_MS_MAX, "never so long that clients notice");
  assertEquals([brake.isOn, brake.isOnFor(1), brake.isOnFor(0)], [true, true, false]);
  await clock.advance(2_000);
  assertEquals([brake.isOn, brake.isOnFor(1)], [false, false]);
  assertEquals(await heldMs(1), 0, "nobody has asked again");
  brake.apply(1, 100);
  brake.apply(1, 100);
  clock.setTimer(() => void brake.lift(1), 10);
  assertEquals([await heldMs(1), await heldMs(1)], [10, 0], "lifted");
});
