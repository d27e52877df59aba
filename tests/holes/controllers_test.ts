/** Holes of eRaft that concern the controllers. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ChangeRequest,
  type CommandRequest,
  ControllerServiceService,
  ShardCtrlerServiceService,
} from "../../proto/gen/shardctrler.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import { ControllerCluster } from "../../shardctrler/testing/controller_cluster.ts";
import { servers } from "../scenarios/controller/soundness.ts";
import { storedHistory } from "../scenarios/controller/stored_history.ts";
import { rawMethod } from "./raw_method.ts";

const SHARDS = 10;

/** What each controller has on its disk, once all have applied all there is. */
async function histories(cluster: ControllerCluster): Promise<Config[][]> {
  const nums = () => cluster.addresses.map((_, i) => cluster.node(i).status().configNum);
  await cluster.run(cluster.clerk().query());
  await cluster.clock.advanceUntil(() => new Set(nums()).size === 1, 60_000);
  return await Promise.all(cluster.addresses.map((_, i) => storedHistory(cluster.engine(i))));
}

Deno.test("E4: a controller that restarts has the history of the others, whatever it replays", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: SHARDS });
  const clerk = cluster.clerk();
  for (const gid of [1, 2, 3, 4]) await cluster.run(clerk.join(servers(gid)));
  const { shards } = await cluster.run(clerk.query());
  await cluster.run(clerk.move(0, shards[0] === 4 ? 3 : 4));
  await cluster.run(clerk.leave([2]));
  const [before = []] = await histories(cluster);
  assertEquals(before.map(({ num }) => num), [0, 1, 2, 3, 4, 5, 6]);
  for (const position of cluster.addresses.keys()) {
    // An orderly restart, then one in the dark; the log still holds every change ever made.
    await cluster.shutdown(position);
    await cluster.restart(position);
    for (const history of await histories(cluster)) assertEquals(history, before);
    await cluster.crash(position);
    await cluster.restart(position);
    for (const history of await histories(cluster)) assertEquals(history, before);
  }
  assertEquals((await cluster.run(clerk.join(servers(5)))).num, 7);
  const [first, ...others] = await histories(cluster);
  for (const history of others) assertEquals(history, first);
});

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const gid = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: -2, max: 0 }), int32);
const address = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 40 }).map((i) => `host${i}:1`) },
  fc.constantFrom("", ":", "host", "host:0", "host:99999", ":1", "a b:1", "[::1]:1", "HOST1:1"),
  fc.string({ maxLength: 12 }),
  fc.string({ minLength: 250, maxLength: 300 }),
);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const groups = fc.dictionary(
  gid.map(String),
  fc.record({ servers: fc.array(address, { maxLength: 4 }), identity: uint64 }),
  { maxKeys: 3, noNullPrototype: true },
);
const shard = fc.oneof(fc.integer({ min: -1, max: SHARDS }), int32);
const gids = fc.array(gid, { maxLength: 4 });
const clientId = fc.oneof(fc.constant("0"), uint64);

const near = fc.integer({ min: 1, max: 8 });
const anyChange: fc.Arbitrary<ChangeRequest["change"]> = fc.oneof(
  groups.map((groups) => ({ $case: "join" as const, value: { groups } })),
  fc.record({ gids, force: fc.boolean() }).map((value) => ({ $case: "leave" as const, value })),
  fc.record({ shard, gid }).map((value) => ({ $case: "move" as const, value })),
  fc.constant(undefined),
);
/** Some that are likely to be made, so that there is something to break. */
const likelyChange: fc.Arbitrary<ChangeRequest["change"]> = fc.oneof(
  near.map((gid) => ({
    $case: "join" as const,
    value: { groups: { [gid]: { servers: [`group${gid}:1`, `group${gid}:2`], identity: "0" } } },
  })),
  near.map((gid) => ({ $case: "leave" as const, value: { gids: [gid], force: true } })),
  fc.record({ shard: fc.nat(SHARDS - 1), gid: near })
    .map((value) => ({ $case: "move" as const, value })),
);

/** One request: to which method, and what; bytes where it is not even a message. */
type Attack =
  | { readonly to: "change"; readonly request: ChangeRequest }
  | { readonly to: "command"; readonly request: CommandRequest }
  | { readonly to: "query"; readonly num: number }
  | { readonly to: "bytes"; readonly method: keyof typeof rawMethods; readonly bytes: Uint8Array };

const attack: fc.Arbitrary<Attack> = fc.oneof(
  fc.record({ clientId, sequence: fc.nat(), change: fc.oneof(anyChange, likelyChange) })
    .map((request) => ({ to: "change" as const, request })),
  fc.record({
    servers: groups,
    gids,
    shard,
    gid,
    num: int32,
    op: fc.integer({ min: 0, max: 5 }),
    clientId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    commandId: fc.integer({ min: -1, max: 5 }),
  }).map((request) => ({ to: "command" as const, request })),
  fc.integer().map((num) => ({ to: "query" as const, num })),
  fc.record({
    method: fc.constantFrom("change" as const, "query", "command"),
    bytes: fc.uint8Array({ maxLength: 60 }),
  })
    .map((raw) => ({ to: "bytes" as const, ...raw })),
);

const rawMethods = {
  change: rawMethod(ControllerServiceService.change),
  query: rawMethod(ControllerServiceService.query),
  command: rawMethod(ShardCtrlerServiceService.command),
};

async function send(
  cluster: ControllerCluster,
  position: number,
  attack: Attack,
): Promise<unknown> {
  const channel = cluster.dialer("attacker").channel(cluster.addresses[position] ?? "");
  const options = { timeoutMs: 5_000 };
  switch (attack.to) {
    case "change":
      return await channel.unary(ControllerServiceService.change, attack.request, options);
    case "command":
      return await channel.unary(ShardCtrlerServiceService.command, attack.request, options);
    case "query":
      return await channel.unary(ControllerServiceService.query, { num: attack.num }, options);
    case "bytes":
      return await channel.unary(rawMethods[attack.method], attack.bytes, options);
  }
}

/** What any configuration must be, said without the code that makes them. */
function assertSensible({ num, shards, groups }: Config): void {
  assertEquals(shards.length, SHARDS);
  const seen = new Set<string>();
  for (const [gid, addresses] of groups) {
    assert(gid >= 1 && gid <= 2 ** 31 - 1, `configuration ${num} has group ${gid}`);
    assert(addresses.length >= 1 && addresses.length <= 9);
    for (const address of addresses) {
      assert(/^\S+:[1-9]\d{0,4}$/.test(address), `configuration ${num} has address '${address}'`);
      assert(!seen.has(address.toLowerCase()), `configuration ${num} has ${address} twice`);
      seen.add(address.toLowerCase());
    }
  }
  for (const gid of shards) {
    assert(groups.size === 0 ? gid === 0 : groups.has(gid), `configuration ${num}: ${shards}`);
  }
}

Deno.test("E15: no request kills a controller, makes nonsense a configuration or poisons the log", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: SHARDS });
  let answered = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(9), attack, async (at, attack) => {
      // Mostly the leader: the others turn away what they cannot do.
      const position = at < 3 ? at : cluster.leader();
      try {
        await cluster.run(send(cluster, position, attack));
        answered++;
      } catch (error) {
        assert(error instanceof KvError, `${error}`);
        assert(error.code !== "INTERNAL", error.message);
        refused++;
      }
      assertEquals(cluster.failures, []);
    }),
    { seed: 15, numRuns: 2_500 },
  );
  assert(answered > 200 && refused > 200, `${answered} answered, ${refused} refused`);
  const [history = [], ...others] = await histories(cluster);
  assert(history.length > 50, `only ${history.length} configurations were made`);
  for (const other of others) assertEquals(other, history);
  for (const config of history) assertSensible(config);
  // Everything is replayed from the log, which nothing has trimmed.
  for (const position of cluster.addresses.keys()) await cluster.crash(position);
  for (const position of cluster.addresses.keys()) await cluster.restart(position);
  for (const replayed of await histories(cluster)) assertEquals(replayed, history);
  const { num } = await cluster.run(cluster.clerk().join(servers(77_777)));
  assertEquals(num, history.length);
  assertEquals(cluster.failures, []);
});

Deno.test("E15: the requests that broke eRaft are refused and change nothing", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: SHARDS });
  const blank = { servers: {}, gids: [], shard: 0, gid: 0, num: 0, clientId: "0", commandId: 0 };
  const command = (request: Partial<CommandRequest> & { op: number }) =>
    cluster.run(send(cluster, 0, { to: "command", request: { ...blank, ...request } })) as Promise<
      { err: string }
    >;
  const [JOIN, LEAVE, MOVE] = [0, 1, 2];
  const refusals = [
    // Join({}) on an empty cluster gave all shards to group -1.
    await command({ op: JOIN }),
    await command({ op: LEAVE, gids: [7] }),
    await command({ op: MOVE, shard: 0, gid: 7 }),
  ];
  await cluster.run(cluster.clerk().join(servers(1)));
  // A move of a shard that is not there made every replica panic, and again at each replay.
  refusals.push(await command({ op: MOVE, shard: 99, gid: 1 }));
  refusals.push(await command({ op: MOVE, shard: -1, gid: 1 }));
  refusals.push(await command({ op: LEAVE, gids: [7] }));
  for (const { err } of refusals) assert(err.startsWith("ErrInvalid: "), err);
  const all = await histories(cluster);
  for (const history of all) assertEquals(history.map(({ num }) => num), [0, 1]);
});
