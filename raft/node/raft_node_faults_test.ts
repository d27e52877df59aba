import { assertEquals, assertGreater } from "@std/assert";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import type { NodeId } from "../types.ts";
import { readRegister } from "./testing/register_machine.ts";
import { TestGroup } from "./testing/test_group.ts";
import { WriteLedger } from "./testing/write_ledger.ts";

const ROUNDS = 150;
const WRITES_PER_ROUND = 8;

async function disturb(group: TestGroup, prng: Prng, down: Set<NodeId>): Promise<void> {
  const pick = () => group.ids[prng.below(group.ids.length)] ?? 1;
  const id = pick();
  switch (prng.below(5)) {
    case 0:
      // Mostly a minority is down, now and then more.
      if (!down.has(id) && (2 * down.size + 2 < group.ids.length || prng.below(8) === 0)) {
        await group.crash(id);
        down.add(id);
      }
      return;
    case 1:
      if (down.delete(id)) await group.restart(id);
      return;
    case 2:
      return group.network.cut(group.address(id), group.address(pick()));
    case 3:
      return group.network.heal();
    default:
      return;
  }
}

async function runWithFaults(seed: number): Promise<void> {
  const prng = createPrng(seed);
  const size = [1, 2, 3, 3, 4, 5][prng.below(6)] ?? 3;
  const group = await TestGroup.start(size, seed, { retainedEntriesMax: 4 });
  const ledger = new WriteLedger();
  const down = new Set<NodeId>();
  try {
    await group.leader();
    for (let round = 0; round < ROUNDS; round++) {
      await disturb(group, prng, down);
      for (let i = 0; i < WRITES_PER_ROUND; i++) {
        const id = group.ids.find((id) =>
          !down.has(id) && group.node(id).status().role === "leader"
        );
        if (id !== undefined) ledger.write(group, id);
        await group.clock.advance(prng.below(100));
      }
    }
    group.network.heal();
    for (const id of down) await group.restart(id);
    // A leader that does not know yet that it was replaced would refuse the last write.
    await group.clock.advance(5_000);
    await group.write("y=end");
    await group.converge();
    const values = await Promise.all(
      group.ids.map((id) => readRegister(group.node(id).reader, "x")),
    );
    assertEquals(new Set(values).size, 1, "Replicas differ");
    ledger.check(values[0] ?? "");
    assertGreater(ledger.acknowledged.length, 0);
    assertEquals(group.failures, []);
  } finally {
    await group.stop();
  }
}

for (let seed = 1; seed <= 20; seed++) {
  Deno.test(`RaftNode: crashes and cuts lose no acknowledged write (seed ${seed})`, () =>
    runWithFaults(seed));
}
