import { assertEquals } from "@std/assert";
import { garbageRecordRange, type Range, type Stay, stayRange } from "../machine/machine_keys.ts";
import { GarbageSweeper } from "./garbage_sweeper.ts";

const STAYS: readonly Stay[] = [{ shard: 1, incarnation: 1 }, { shard: 2, incarnation: 1 }];

/** A machine with garbage and an engine that is cleared, each as the sweeper sees them. */
class Replica {
  garbage: readonly Stay[] = [];
  generation = 1;
  readonly cleared: string[] = [];
  onClear: () => void = () => {};
  readonly sweeper = new GarbageSweeper({
    machine: this,
    reader: this,
    onFatal: (error) => {
      throw error;
    },
  });

  get ownership() {
    return { garbage: this.garbage };
  }

  forgetGarbage(stay: Stay): void {
    this.garbage = this.garbage.filter((other) => other !== stay);
  }

  clear(start: Uint8Array, end: Uint8Array): Promise<void> {
    this.cleared.push(nameOf({ start, end }));
    this.onClear();
    return Promise.resolve();
  }

  drop(...dropped: readonly Stay[]): void {
    this.garbage = [...this.garbage, ...dropped];
    this.sweeper.wake();
  }
}

function nameOf({ start, end }: { start: Uint8Array; end: Uint8Array }): string {
  return `${Buffer.from(start).toString("hex")}-${Buffer.from(end).toString("hex")}`;
}

function rangesOf(stay: Stay): string[] {
  return [stayRange(stay), garbageRecordRange(stay)].map((range: Range) => nameOf(range));
}

async function microtasks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await null;
}

Deno.test("GarbageSweeper clears what comes at any moment of its work, also as it ends", async () => {
  for (let moment = 0; moment < 20; moment++) {
    const replica = new Replica();
    const [first, second] = STAYS as [Stay, Stay];
    replica.drop(first);
    await microtasks(moment);
    replica.drop(second);
    await microtasks(50);
    assertEquals(replica.garbage, [], `The second came after ${moment} microtasks`);
    assertEquals(replica.cleared, [...rangesOf(first), ...rangesOf(second)]);
    await replica.sweeper.stop();
  }
});

Deno.test("GarbageSweeper leaves the records of a snapshot alone that comes while it clears", async () => {
  const replica = new Replica();
  const [stay] = STAYS as [Stay, Stay];
  // The snapshot is live in the engine, and the machine has yet to load it.
  replica.onClear = () => replica.generation = 2;
  replica.drop(stay);
  await microtasks(50);
  assertEquals(replica.cleared.slice(0, 2), [rangesOf(stay)[0], rangesOf(stay)[0]]);
  assertEquals(replica.garbage, []);
  assertEquals(replica.cleared.at(-1), rangesOf(stay)[1]);
  await replica.sweeper.stop();
});
