/** A group is what it began as: another one of its number, on other disks, has nothing of it. */
import { assert, assertEquals } from "@std/assert";
import { KvError } from "../rpc/errors.ts";
import {
  type Config,
  type GroupIdentity,
  NO_IDENTITY,
} from "../shardctrler/configuration/config.ts";
import { encodeBirth } from "./machine/commands.ts";
import { configChain, MachineHarness } from "./testing/machine_harness.ts";
import { StoreCluster } from "./testing/store_cluster.ts";

/** The configurations of a chain, in which group 100 has this identity. */
function named(identity: GroupIdentity, chain: readonly Config[]): Config[] {
  return chain.map((config) => ({ ...config, identities: new Map([[100, identity]]) }));
}

async function bornAs(identity: GroupIdentity): Promise<MachineHarness> {
  const group = new MachineHarness(100);
  await group.apply(encodeBirth(identity));
  return group;
}

Deno.test("applyBirth() decides once, and before the first configuration", async () => {
  const group = await bornAs("7");
  await group.apply(encodeBirth("8"));
  await group.restart();
  assertEquals(group.machine.ownership.identity, "7");
  const old = new MachineHarness(100);
  const [first] = configChain([100]);
  assert(first !== undefined);
  await old.config(first);
  await old.apply(encodeBirth("8"));
  assertEquals(old.machine.ownership.identity, NO_IDENTITY);
  for (const each of [group, old]) await each.close();
});

Deno.test("applyConfig() gives no shard to a group whose number names another group", async () => {
  const group = await bornAs("8");
  const chain = configChain([100, 100], [100, 200], [200, 200], [100, 200]);
  for (const config of named("7", chain.slice(0, 3))) {
    assertEquals(await group.config(config), "done");
    assertEquals(group.statuses(), {});
  }
  // By now its number is its own.
  for (const config of named("8", chain.slice(3))) await group.config(config);
  assertEquals(group.statuses(), { 0: "Pulling" });
  await group.close();
});

Deno.test("applyConfig() gives shards to a group if either identity is not known", async () => {
  const chain = configChain([100, 200]);
  for (const [own, meant] of [["8", NO_IDENTITY], [NO_IDENTITY, "7"]] as const) {
    const group = await bornAs(own);
    for (const config of named(meant, chain)) await group.config(config);
    assertEquals(group.statuses(), { 0: "Serving" });
    await group.close();
  }
});

const keys = Array.from({ length: 40 }, (_, i) => `key ${i}`);

/** How many of the keys are found, found to be absent, and not to be had. */
async function read(store: StoreCluster) {
  const clerk = store.kvClerk();
  const counts = { found: 0, absent: 0, refused: 0 };
  for (const key of keys) {
    try {
      const value = await store.run(clerk.get(key, { timeoutMs: 2_000 }));
      counts[value === undefined ? "absent" : "found"]++;
    } catch (error) {
      assert(error instanceof KvError);
      counts.refused++;
    }
  }
  await store.run(clerk.close());
  return counts;
}

async function startWithKeys(replicas: number): Promise<StoreCluster> {
  const store = await StoreCluster.start({ shards: 4, gids: [100, 200], replicas, delayMs: 2 });
  await store.join(100);
  await store.settle(100);
  await store.run(store.clerk.putMany(keys.map((key) => [key, "value"] as const)));
  await store.join(200);
  await store.settle(100, 200);
  return store;
}

Deno.test("a group on empty disks takes nothing over from one of its number that has left", async () => {
  await using store = await startWithKeys(1);
  await store.run(store.admin.leave([100]));
  await store.settle(200);
  await store.stop(100, 0);
  store.wipe(100, 0);
  await store.start(100, 0);
  await store.join(100);
  await store.settle(100, 200);
  assertEquals(await read(store), { found: keys.length, absent: 0, refused: 0 });
});

Deno.test("a group on empty disks takes nothing from configurations that name no identities either", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100, 200], delayMs: 2 });
  // As `-force` joins it.
  await store.run(store.admin.join(new Map([[100, store.addresses(100)]])));
  await store.settle(100);
  await store.run(store.clerk.putMany(keys.map((key) => [key, "value"] as const)));
  await store.join(200);
  await store.settle(100, 200);
  await store.run(store.admin.leave([100]));
  await store.settle(100, 200);
  await store.join(100);
  await store.settle(100, 200);
  await store.stop(100, 0);
  store.wipe(100, 0);
  await store.start(100, 0);
  await store.ctrl.clock.advance(30_000);
  const { configNum, shards } = store.node(100).status();
  assertEquals([configNum, shards], [0, []]);
  assertEquals((await read(store)).absent, 0);
});

Deno.test("a group whose disks are all replaced serves nothing, and again when they are back", async () => {
  await using store = await startWithKeys(3);
  const positions = [0, 1, 2];
  const engines = positions.map((position) => store.replica(100, position).engine);
  const restart = async (engineOf: (position: number) => void) => {
    for (const position of positions) await store.stop(100, position);
    for (const position of positions) {
      engineOf(position);
      await store.start(100, position);
    }
    await store.ctrl.clock.advance(10_000);
  };
  await restart((position) => store.wipe(100, position));
  const { found, absent, refused } = await read(store);
  assertEquals([found + refused, absent], [keys.length, 0]);
  assert(refused > 0);
  await restart((position) => {
    const engine = engines[position];
    if (engine !== undefined) store.replica(100, position).engine = engine;
  });
  assertEquals(await read(store), { found: keys.length, absent: 0, refused: 0 });
});
