import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  CommandRequest,
  type CommandResponse,
  Op,
  ShardCtrlerServiceService,
} from "../../proto/gen/shardctrler.ts";
import { NO_FORWARD_METADATA } from "../../server/no_forward.ts";
import { NO_IDENTITY } from "../configuration/config.ts";
import { ControllerCluster } from "../testing/controller_cluster.ts";

const BLANK: CommandRequest = {
  servers: {},
  gids: [],
  shard: 0,
  gid: 0,
  num: 0,
  op: Op.QUERY,
  clientId: "0",
  commandId: 0,
};

/** One eRaft command to one server. */
function command(
  cluster: ControllerCluster,
  position: number,
  request: Partial<CommandRequest>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<CommandResponse> {
  const channel = cluster.dialer().channel(cluster.addresses[position] ?? "");
  return cluster.run(channel.unary(
    ShardCtrlerServiceService.command,
    { ...BLANK, ...request },
    { timeoutMs: 10_000, metadata },
  ));
}

const JOIN100 = {
  op: Op.JOIN,
  servers: { 100: { servers: ["localhost:6001"], identity: NO_IDENTITY } },
};

Deno.test("Command does what eRaft's clients ask, on every server", async () => {
  await using cluster = await ControllerCluster.start(3);
  assertEquals((await command(cluster, 0, JOIN100)).err, "OK");
  const join101 = {
    op: Op.JOIN,
    servers: { 101: { servers: ["localhost:7001"], identity: NO_IDENTITY } },
  };
  assertEquals((await command(cluster, 1, join101)).err, "OK");
  assertEquals((await command(cluster, 2, { op: Op.MOVE, shard: 0, gid: 100 })).err, "OK");
  const { err, config } = await command(cluster, 0, { num: -1 });
  assertEquals([err, config?.num], ["OK", 3]);
  assertEquals(config?.shards, [100, 101, 101, 101, 101, 100, 100, 100, 100, 100]);
  assertEquals((await command(cluster, 0, { num: 1 })).config?.num, 1);
  // As eRaft: a number that does not exist stands for the latest.
  assertEquals((await command(cluster, 0, { num: 99 })).config?.num, 3);
  assertEquals((await command(cluster, 1, { op: Op.LEAVE, gids: [100] })).err, "OK");
});

Deno.test("Command on a follower is passed on to the leader, unless the caller forbids it", async () => {
  await using cluster = await ControllerCluster.start(3);
  const follower = (cluster.leader() + 1) % 3;
  const { err, config } = await command(cluster, follower, JOIN100, NO_FORWARD_METADATA);
  assertEquals([err, config], ["ErrWrongLeader", undefined]);
  assertEquals(
    (await command(cluster, follower, { num: -1 }, NO_FORWARD_METADATA)).err,
    "ErrWrongLeader",
  );
  assertEquals((await command(cluster, follower, JOIN100)).err, "OK");
});

Deno.test("Command answers ErrWrongLeader on a follower that may not forward", async () => {
  await using cluster = await ControllerCluster.start(3, { shards: 10, forward: false });
  const leader = cluster.leader();
  assertEquals((await command(cluster, (leader + 1) % 3, JOIN100)).err, "ErrWrongLeader");
  assertEquals((await command(cluster, leader, JOIN100)).err, "OK");
});

Deno.test("Command makes a repeated change once and refuses an outdated one", async () => {
  await using cluster = await ControllerCluster.start(3);
  const first = { ...JOIN100, clientId: "-4611686018427387904", commandId: 0 };
  assertEquals((await command(cluster, 0, first)).config?.num, 1);
  assertEquals((await command(cluster, 1, first)).config?.num, 1);
  const second = { op: Op.MOVE, shard: 0, gid: 100, clientId: first.clientId, commandId: 1 };
  assertEquals((await command(cluster, 0, second)).err, "OK");
  assertEquals((await command(cluster, 0, first)).err, "ErrOutDated");
});

Deno.test("Command refuses nonsense with a word that eRaft's client does not retry", async () => {
  await using cluster = await ControllerCluster.start(1);
  await command(cluster, 0, JOIN100);
  const cases: [Partial<CommandRequest>, string][] = [
    [
      { op: Op.MOVE, shard: 99, gid: 100 },
      "ErrInvalid: Cannot move shard 99: the cluster has shards 0..9",
    ],
    [
      { op: Op.MOVE, shard: 0, gid: 999 },
      "ErrInvalid: Cannot move shard 0 to group 999: it is not part of the cluster",
    ],
    [{ op: Op.JOIN }, "ErrInvalid: Cannot join: no group is given"],
    [
      { op: Op.LEAVE, gids: [5] },
      "ErrInvalid: Cannot leave group 5: it is not part of the cluster",
    ],
    [{ op: 9 as Op }, "ErrInvalid: Cannot do operation 9: it is unknown"],
    [
      { ...JOIN100, commandId: -1 },
      "ErrInvalid: Cannot use command id -1: it must be 0 or more",
    ],
  ];
  for (const [request, err] of cases) assertEquals((await command(cluster, 0, request)).err, err);
  assertEquals((await command(cluster, 0, { num: -1 })).config?.num, 1);
});

const identity = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const anyRequest: fc.Arbitrary<CommandRequest> = fc.record({
  servers: fc.dictionary(
    fc.integer({ min: -3, max: 300 }).map(String),
    fc.record({ servers: fc.array(fc.string(), { maxLength: 3 }), identity }),
    { maxKeys: 3, noNullPrototype: true },
  ),
  gids: fc.array(fc.oneof(fc.nat(3), int32), { maxLength: 3 }),
  shard: fc.oneof(fc.nat(12), int32),
  gid: fc.oneof(fc.nat(3), int32),
  num: int32,
  op: fc.nat(4) as fc.Arbitrary<Op>,
  clientId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  commandId: fc.maxSafeInteger(),
});

Deno.test("Command survives whatever it is asked", async () => {
  await using cluster = await ControllerCluster.start(1);
  await fc.assert(
    fc.asyncProperty(anyRequest, async (request) => {
      const { err } = await command(cluster, 0, request);
      assertEquals(/^(OK|ErrInvalid: .+)$/.test(err), true, err);
    }),
    { seed: 5, numRuns: 200 },
  );
  assertEquals(cluster.failures, []);
});

Deno.test("GetStatus tells what eRaft tells, and who leads", async () => {
  await using cluster = await ControllerCluster.start(3);
  await cluster.clock.advance(1_000);
  const leader = cluster.leader();
  const channel = cluster.dialer().channel(cluster.addresses[leader] ?? "");
  const status = await cluster.run(
    channel.unary(ShardCtrlerServiceService.getStatus, {}, { timeoutMs: 1_000 }),
  );
  assertEquals(
    [status.id, status.state, status.address, status.leaderAddress, status.configNum],
    [leader, "Leader", `ctrl-${leader}:1`, `ctrl-${leader}:1`, 0],
  );
  assertEquals([status.lastApplied, status.commitIndex], [2, 2]);
});
