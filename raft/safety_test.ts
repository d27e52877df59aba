import { assert } from "@std/assert";
import { Chaos } from "./testing/chaos.ts";

const SEEDS = 60;
const STEPS = 8000;
const KEPT_SEEDS = [
  // Each once ended with members that waited for each other for ever.
  { seed: 1462, thrifty: false },
  { seed: 1791, thrifty: false },
  { seed: 10205, thrifty: false },
  // An entry is acknowledged that was replaced before it was saved, which is no harm.
  { seed: 506006, thrifty: true },
];

Deno.test("RawNode keeps Raft's promises through loss, reordering, repetition, partitions, crashes and changes of members", () => {
  let committed = 0;
  let changes = 0;
  const runs = Array.from({ length: SEEDS }, (_, i) => ({ seed: i + 1, thrifty: i % 2 === 1 }));
  for (const { seed, thrifty } of [...runs, ...KEPT_SEEDS]) {
    try {
      const chaos = new Chaos(seed, thrifty);
      chaos.run(STEPS);
      chaos.heal(200);
      committed += chaos.committed;
      changes += chaos.changes;
    } catch (error) {
      throw new Error(`Seed ${seed} fails`, { cause: error });
    }
  }
  // Otherwise the chaos is so great that nothing is tested.
  assert(committed > SEEDS * 20, `${committed} entries were committed in all`);
  assert(changes > SEEDS, `${changes} changes of members were proposed in all`);
});
