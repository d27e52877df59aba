import { assert, assertEquals } from "@std/assert";
import { type Config, emptyConfig, NO_IDENTITY } from "../../shardctrler/configuration/config.ts";
import type { Ownership } from "../machine/ownership.ts";
import type { ShardStatus } from "../machine/shard_status.ts";
import { configChain, nextConfig } from "../testing/machine_harness.ts";
import { planMigration } from "./migration_plan.ts";

function ownership(
  previous: Config,
  config: Config,
  statuses: Record<number, ShardStatus>,
): Ownership {
  const shards = new Map(
    Object.entries(statuses).map(([shard, status]) => [
      Number(shard),
      { shard: Number(shard), incarnation: 1, status },
    ]),
  );
  return { identity: NO_IDENTITY, previous, config, shards, garbage: [] };
}

Deno.test("planMigration() of a group that is new asks for configuration 1", () => {
  const zero = emptyConfig(0);
  assertEquals(planMigration(ownership(zero, zero, {})), { actions: [], nextConfig: 1 });
});

Deno.test("planMigration() pulls each shard from the group that had it", () => {
  const [one, two] = configChain([200, 300, 100], [100, 100, 100]);
  assert(one !== undefined && two !== undefined);
  const plan = planMigration(ownership(one, two, { 0: "Pulling", 1: "Pulling", 2: "Serving" }));
  const serversOf = (gid: number) => [`g${gid}n0`, `g${gid}n1`, `g${gid}n2`];
  assertEquals(plan, {
    actions: [
      { kind: "pull", shard: 0, from: 200, servers: serversOf(200), configNum: 2 },
      { kind: "pull", shard: 1, from: 300, servers: serversOf(300), configNum: 2 },
    ],
    nextConfig: undefined,
  });
});

Deno.test("planMigration() pulls a shard that nobody served from who served it last", () => {
  const [one, two] = configChain([200, 100], [0, 100]);
  assert(one !== undefined && two !== undefined);
  const three = nextConfig(two, [100, 100]);
  const [action] = planMigration(ownership(two, three, { 0: "Pulling" })).actions;
  assertEquals(action?.from, 200);
  assertEquals(action?.servers.length, 3);
});

Deno.test("planMigration() prefers the addresses a source has now", () => {
  const [one, two] = configChain([200, 200], [100, 200]);
  assert(one !== undefined && two !== undefined);
  const moved = { ...two, groups: new Map([...two.groups, [200, ["new:1"]]]) };
  const [action] = planMigration(ownership(one, moved, { 0: "Pulling" })).actions;
  assertEquals(action?.servers, ["new:1"]);
});

Deno.test("planMigration() releases what has arrived and holds the next configuration back", () => {
  const [one, two] = configChain([200], [100]);
  assert(one !== undefined && two !== undefined);
  const plan = planMigration(ownership(one, two, { 0: "GCing" }));
  assertEquals(plan.actions.map(({ kind, shard }) => [kind, shard]), [["release", 0]]);
  assertEquals(plan.nextConfig, undefined);
});

Deno.test("planMigration() lets the source do nothing but wait", () => {
  const [one, two] = configChain([100], [200]);
  assert(one !== undefined && two !== undefined);
  const plan = planMigration(ownership(one, two, { 0: "BePulling" }));
  assertEquals(plan, { actions: [], nextConfig: undefined });
});

Deno.test("planMigration() goes on past shards that nobody serves", () => {
  const [one, two] = configChain([100, 100], [0, 0]);
  assert(one !== undefined && two !== undefined);
  const plan = planMigration(ownership(one, two, { 0: "Frozen", 1: "Frozen" }));
  assertEquals(plan, { actions: [], nextConfig: 3 });
});
