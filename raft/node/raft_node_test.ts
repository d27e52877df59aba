import { assert, assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../../rpc/errors.ts";
import { IdentityError } from "./members/identity.ts";
import { RaftNode } from "./raft_node.ts";
import { readRegister } from "./testing/register_machine.ts";
import { TestGroup } from "./testing/test_group.ts";

async function withGroup(
  group: Promise<TestGroup>,
  body: (group: TestGroup) => Promise<void>,
): Promise<void> {
  const started = await group;
  try {
    await body(started);
    assertEquals(started.failures, []);
  } finally {
    await started.stop();
  }
}

for (const size of [1, 2, 3, 4, 5]) {
  Deno.test(`RaftNode: a group of ${size} elects a leader, replicates and applies everywhere`, () =>
    withGroup(TestGroup.start(size), async (group) => {
      assertEquals(await group.write("x=a"), "a");
      assertEquals(await group.write("x=b"), "ab");
      await group.converge();
      for (const id of group.ids) {
        assertEquals(await readRegister(group.node(id).reader, "x"), "ab");
        assertEquals(group.machine(id).count, 2);
      }
    }));
}

Deno.test("RaftNode.propose(): proposals that come together share an entry and keep their order", () =>
  withGroup(TestGroup.start(3), async (group) => {
    const leader = group.node(await group.leader());
    await group.write("x=0");
    const before = leader.status().lastIndex;
    const replies = Array.from({ length: 100 }, (_, i) => leader.propose(Buffer.from(`x=,${i}`)));
    const values = await group.clock.resolve(Promise.all(replies), 5_000);
    assertEquals(String(values[2]), "0,0,1,2");
    assert(leader.status().lastIndex - before < 10);
  }));

Deno.test("RaftNode.propose() on a follower names the leader", () =>
  withGroup(TestGroup.start(3), async (group) => {
    const leader = await group.leader();
    const follower = group.ids.find((id) => id !== leader) ?? 0;
    const error = await assertRejects(
      () => group.node(follower).propose(Buffer.from("x=a")),
      KvError,
    );
    assertEquals(error.code, "NOT_LEADER");
    assertEquals(error.leader, group.address(leader));
  }));

Deno.test("RaftNode.readBarrier() sees every write acknowledged before it", () =>
  withGroup(TestGroup.start(3), async (group) => {
    for (let i = 0; i < 5; i++) {
      const value = await group.write(`x=${i}`);
      const leader = group.node(await group.leader());
      await group.clock.resolve(leader.readBarrier(), 5_000);
      assertEquals(await readRegister(leader.reader, "x"), value);
    }
  }));

Deno.test("RaftNode: a leader that has crashed is replaced before it would count as silent", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    await withGroup(TestGroup.start(3, seed), async (group) => {
      await group.write("x=a");
      const dead = await group.leader();
      const others = group.ids.filter((id) => id !== dead);
      await group.crash(dead);
      const isReplaced = () => others.some((id) => group.node(id).status().role === "leader");
      await group.clock.advanceUntil(isReplaced, 800);
      await group.restart(dead);
      assertEquals(await group.write("x=b"), "ab");
      await group.converge();
    });
  }
});

Deno.test("RaftNode: a leader cut off acknowledges nothing and its reads fail", () =>
  withGroup(TestGroup.start(3), async (group) => {
    await group.write("x=a");
    const old = await group.leader();
    for (const id of group.ids.filter((id) => id !== old)) {
      group.network.cut(group.address(old), group.address(id));
      group.network.cut(group.address(id), group.address(old));
    }
    const write = group.node(old).propose(Buffer.from("x=lost"));
    const read = group.node(old).readBarrier();
    const failures = Promise.allSettled([write, read]);
    const others = group.ids.filter((id) => id !== old);
    const isReplaced = () => others.some((id) => group.node(id).status().role === "leader");
    await group.clock.advanceUntil(isReplaced, 10_000);
    await group.clock.advance(3_000);
    assertEquals(await group.write("x=b"), "ab");
    for (const { status } of await group.clock.resolve(failures, 10_000)) {
      assertEquals(status, "rejected");
    }
    group.network.heal();
    await group.converge();
    assertEquals(await readRegister(group.node(old).reader, "x"), "ab");
  }));

Deno.test("RaftNode: everything acknowledged survives a power cut of all nodes", () =>
  withGroup(TestGroup.start(3), async (group) => {
    let value = "";
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 5; i++) value = await group.write(`x=${round}${i},`);
      for (const id of group.ids) await group.crash(id);
      for (const id of group.ids) await group.restart(id);
    }
    const last = await group.write("x=end");
    assertEquals(last, `${value}end`);
    await group.converge();
    for (const id of group.ids) {
      assertEquals(await readRegister(group.node(id).reader, "x"), last);
      assertEquals(group.machine(id).count, 26);
    }
  }));

Deno.test("RaftNode: a follower left behind a compacted log gets a snapshot", () =>
  withGroup(TestGroup.start(3, 3, { retainedEntriesMax: 10 }), async (group) => {
    await group.write("x=a");
    const leader = await group.leader();
    const away = group.ids.find((id) => id !== leader) ?? 0;
    await group.crash(away);
    for (let i = 0; i < 600; i++) await group.write(`r${i}=${i}`);
    const { firstIndex } = group.node(await group.leader()).status();
    assert(firstIndex > 256, `The log starts at ${firstIndex}`);
    await group.restart(away);
    await group.converge(60_000);
    assert(group.node(away).status().firstIndex > 1, "The follower took the log, not a snapshot");
    assertEquals(await readRegister(group.node(away).reader, "r599"), "599");
    assertEquals(group.machine(away).count, 601);
    await group.crash(away);
    await group.restart(away);
    await group.write("x=b");
    await group.converge();
    assertEquals(await readRegister(group.node(away).reader, "x"), "ab");
    assertEquals(await readRegister(group.node(away).reader, "r0"), "0");
  }));

Deno.test("RaftNode: a leader writes its log once its messages have left, a follower at once", () =>
  withGroup(TestGroup.start(3), async (group) => {
    await group.write("x=a");
    await group.clock.advance(1_000);
    const leader = await group.leader();
    const others = group.ids.filter((id) => id !== leader);
    const writesOf = (ids: readonly number[]) => ids.reduce((sum, id) => sum + group.writes(id), 0);
    const before = { leader: writesOf([leader]), others: writesOf(others) };
    const { clock } = group;
    const waiting: (() => void)[] = [];
    clock.afterTurn = (callback) => void waiting.push(callback);
    const reply = group.node(leader).propose(Buffer.from("x=b"));
    await clock.advanceUntil(() => writesOf(others) > before.others, 1_000);
    assertEquals(writesOf([leader]), before.leader);
    clock.afterTurn = (callback) => queueMicrotask(callback);
    for (const callback of waiting) callback();
    assertEquals(String(await clock.resolve(reply, 1_000)), "ab");
    assert(writesOf([leader]) > before.leader);
  }));

Deno.test("RaftNode: an idle group writes nothing to its engines", () =>
  withGroup(TestGroup.start(3), async (group) => {
    await group.write("x=a");
    await group.converge();
    await group.clock.advance(1_000);
    const before = group.ids.map((id) => group.writes(id));
    await group.clock.advance(60_000);
    assertEquals(group.ids.map((id) => group.writes(id)), before);
  }));

Deno.test("RaftNode.open() refuses an engine of another node", () =>
  withGroup(TestGroup.start(1), async (group) => {
    await group.leader();
    const engine = group.engine(1);
    const open = () =>
      RaftNode.open({
        identity: { clusterId: "7", gid: 2, nodeId: 1 },
        members: new Map([[1, "node1:1"]]),
        engine,
        machine: group.machine(1),
        dialer: group.network.dialer(),
        clock: group.clock,
        prng: { below: () => 0 },
        logger: { debug() {}, info() {}, warn() {}, error() {} },
        onFatal: () => {},
      });
    await assertRejects(open, IdentityError, "belongs to node 0 of group 1 in cluster 7");
  }));
