import { assert } from "@std/assert";
import { Chaos } from "./testing/chaos.ts";

const SEEDS = 60;
const STEPS = 4000;

Deno.test("RawNode keeps Raft's promises through loss, reordering, repetition, partitions and crashes", () => {
  let committed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const chaos = new Chaos(seed);
      chaos.run(STEPS);
      chaos.heal(200);
      committed += chaos.committed;
    } catch (error) {
      throw new Error(`Seed ${seed} fails`, { cause: error });
    }
  }
  // Otherwise the chaos is so great that nothing is tested.
  assert(committed > SEEDS * 20, `${committed} entries were committed in all`);
});
