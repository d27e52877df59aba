import { assert, assertEquals } from "@std/assert";
import type { KvClerk } from "../../../client/kv_clerk.ts";
import { reshuffle } from "./reshuffle.ts";
import { ShardStage } from "./shard_stage.ts";

const GIDS = [100, 200, 300];
const CLIENTS = 5;

/** Takes the lock, does something nobody else may do meanwhile, and gives it back. */
async function enter(
  stage: ShardStage,
  clerk: KvClerk,
  name: string,
  inside: { clients: number; entries: number },
): Promise<void> {
  while (!(await clerk.cas("lock", { expected: undefined, value: name })).swapped) {
    await stage.sleep(stage.prng.below(60));
  }
  inside.clients++;
  inside.entries++;
  assertEquals(inside.clients, 1, "two clients hold the lock");
  const count = Number(new TextDecoder().decode(await clerk.get("count") ?? new Uint8Array()));
  await stage.sleep(stage.prng.below(10));
  await clerk.put("count", `${count + 1}`);
  inside.clients--;
  const { swapped } = await clerk.cas("lock", { expected: name, value: undefined });
  assert(swapped, "the lock was taken from its holder");
}

async function playLock(unreliable: boolean, ms: number): Promise<void> {
  await using stage = await ShardStage.start({ gids: GIDS, unreliable });
  await stage.join(100);
  const endMs = stage.now + ms;
  const isOver = () => stage.now >= endMs;
  const inside = { clients: 0, entries: 0 };
  const contend = Array.from({ length: CLIENTS }, async (_, i) => {
    const clerk = stage.client();
    while (!isOver()) {
      await enter(stage, clerk, `client ${i}`, inside);
      await stage.sleep(stage.prng.below(40));
    }
  });
  await stage.run(Promise.all([reshuffle(stage, GIDS, isOver), ...contend]));
  assert(inside.entries >= 3, `the lock was taken ${inside.entries} times`);
  const count = await stage.run(stage.client().get("count"));
  assertEquals(new TextDecoder().decode(count), `${inside.entries}`);
}

// sharded 2025, 5C: acquiring a lock, reliable
Deno.test("a lock made of compare-and-set has one holder at a time while groups come and go", async () => {
  await playLock(false, 4_000);
});

// sharded 2025, 5C: acquiring a lock, unreliable
Deno.test("a lock made of compare-and-set has one holder at a time although messages are lost", async () => {
  await playLock(true, 30_000);
});
