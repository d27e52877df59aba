import { assertEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { putCall } from "../testing/put_call.ts";
import { BATCH_COMMANDS_MAX } from "./batcher.ts";
import { type CallOwner, GroupConnection } from "./group_connection.ts";
import type { PendingCall } from "./pending_call.ts";
import { ReplicaChoice } from "./replica_choice.ts";
import { Session } from "./session.ts";

/** A connection to a group of one shard, and what came of the calls. */
function connect(clock: VirtualClock, windowMax?: number) {
  const cluster = new FakeCluster({ clock, groups: 1, shards: 2 });
  const session = new Session("7", windowMax);
  const done: string[] = [];
  const held: PendingCall[] = [];
  let suspicions = 0;
  const owner: CallOwner = {
    succeed: (call) => {
      call.settled = true;
      session.answered(call.sequence);
      done.push(call.key.toString());
    },
    fail: (call, error) => done.push(`${call.key}: ${error.code}`),
    retryElsewhere: (calls) => void held.push(...calls),
    suspectConfig: () => void suspicions++,
  };
  const connection = new GroupConnection({
    gid: 100,
    choice: new ReplicaChoice(cluster.group(100).addresses, clock),
    dialer: cluster.network.dialer(),
    clock,
    prng: createPrng(1),
    session,
    owner,
  });
  const group = cluster.group(100);
  return { cluster, group, session, connection, done, held, suspicions: () => suspicions };
}

Deno.test("GroupConnection stops at the session's window and goes on when it opens", async () => {
  const clock = new VirtualClock();
  const { connection, cluster, group, session, done, held } = connect(clock, 4);
  const stuck = "stuck";
  group.arriving.add(cluster.shardOf(stuck));
  const others = Array.from({ length: 100 }, (_, i) => `k${i}`)
    .filter((key) => cluster.shardOf(key) !== cluster.shardOf(stuck)).slice(0, 10);
  for (const key of [stuck, ...others]) connection.enqueue(putCall(key));
  await clock.advance(10);
  assertEquals(held.map((call) => call.key.toString()), [stuck]);
  assertEquals(done, others.slice(0, 3));
  session.answered(1);
  await clock.advance(10);
  assertEquals(done, others);
  connection.close();
});

Deno.test("GroupConnection gathers calls while a batch is out", async () => {
  const clock = new VirtualClock();
  const { connection, group, done } = connect(clock);
  group.delayMs = () => 10;
  for (let round = 1; round <= 2; round++) {
    for (let turn = 0; turn < 6; turn++) {
      connection.enqueue(putCall(`${round} ${turn}`));
      await clock.advance(0);
    }
    assertEquals(group.batches, 2 * round - 1);
    await clock.advance(10);
    assertEquals(group.batches, 2 * round);
    await clock.advance(10);
  }
  assertEquals(done.length, 12);
  connection.close();
});

Deno.test("GroupConnection sends full batches one behind the other, once the replica has answered", async () => {
  const clock = new VirtualClock();
  const { connection, group, done } = connect(clock);
  group.delayMs = () => 10;
  const enqueueMany = () => {
    for (let i = 0; i < 3 * BATCH_COMMANDS_MAX; i++) connection.enqueue(putCall(`${i}`));
  };
  enqueueMany();
  await clock.advance(0);
  assertEquals(group.batches, 1);
  await clock.advance(10);
  assertEquals(group.batches, 3);
  await clock.advance(10);
  enqueueMany();
  await clock.advance(0);
  assertEquals(group.batches, 6);
  await clock.advance(10);
  assertEquals(done.length, 6 * BATCH_COMMANDS_MAX);
  connection.close();
});

Deno.test("GroupConnection suspects the configuration after each round without a leader", async () => {
  const clock = new VirtualClock();
  const { connection, group, suspicions, done } = connect(clock);
  group.leader = undefined;
  connection.enqueue(putCall("k"));
  await clock.advance(0);
  assertEquals([group.batches, suspicions()], [3, 1]);
  group.leader = "100-1";
  await clock.advance(300);
  assertEquals(done, ["k"]);
  connection.close();
});

Deno.test("GroupConnection.retire() still takes answers to what was sent, and hands back calls without one", async () => {
  const clock = new VirtualClock();
  const { connection, group, done, held } = connect(clock);
  group.delayMs = () => 10;
  connection.enqueue(putCall("a"));
  await clock.advance(0);
  connection.retire();
  await clock.advance(10);
  assertEquals([done, held.length], [["a"], 0]);
  const second = connect(clock);
  second.group.fault = () => "hang";
  second.connection.enqueue(putCall("b"));
  await clock.advance(0);
  second.connection.retire();
  await clock.advance(2_000);
  assertEquals(second.held.map((call) => [call.key.toString(), call.maybe]), [["b", true]]);
});
