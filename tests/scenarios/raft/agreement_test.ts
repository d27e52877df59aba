import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import type { NodeId } from "../../../raft/types.ts";
import { TestNetwork } from "../../../raft/testing/test_network.ts";
import { play, type RaftStage } from "./raft_stage.ts";

function lastIndex(stage: RaftStage, id: NodeId): number {
  return stage.group.node(id).status().lastIndex;
}

/** Two nodes other than the one named, and the rest. */
function splitOff(stage: RaftStage, id: NodeId): { one: NodeId; rest: NodeId[] } {
  const [one = 0, ...rest] = stage.ids.filter((other) => other !== id);
  return { one, rest };
}

// BasicAgree (2B)
Deno.test("proposals are applied everywhere, one index after the other, and nothing before it is proposed", () =>
  play(3, {}, async (stage) => {
    const leader = await stage.leader();
    await stage.advance(1_000);
    const before = lastIndex(stage, leader);
    for (let i = 1; i <= 3; i++) {
      assertEquals(stage.watch.appliedBy(`x=<${i - 1}>`), 0);
      const proposal = await stage.agree();
      await stage.appliedBy(proposal, 3);
      assertEquals(lastIndex(stage, leader), before + i);
    }
    await stage.finish();
  }));

// RPCBytes (2B)
Deno.test("each command travels to each peer once", () =>
  play(3, {}, async (stage) => {
    await stage.agree();
    const before = stage.watch.entryBytes;
    const size = 5_000;
    let sent = 0;
    for (let i = 0; i < 10; i++) {
      const proposal = `y=${"z".repeat(size)}`;
      assert(await stage.group.clock.resolve(stage.propose(await stage.leader(), proposal), 5_000));
      sent += size;
    }
    await stage.advance(2_000);
    assertLess(stage.watch.entryBytes - before, 2 * sent + 10 * 2 * 50);
    await stage.finish();
  }));

// FailAgree (2B)
Deno.test("two of three agree while one is away, which then catches up", () =>
  play(3, {}, async (stage) => {
    await stage.appliedBy(await stage.agree(), 3);
    const { one } = splitOff(stage, await stage.leader());
    stage.disconnect(one);
    const missed = [await stage.agree(), await stage.agree()];
    await stage.advance(3_000);
    missed.push(await stage.agree());
    assertEquals(missed.map((proposal) => stage.watch.appliedBy(proposal)), [2, 2, 2]);
    stage.connect(one);
    for (const proposal of missed) await stage.appliedBy(proposal, 3);
    await stage.finish(missed);
  }));

// FailNoAgree (2B)
Deno.test("two of five agree on nothing, and on everything again once the others are back", () =>
  play(5, {}, async (stage) => {
    await stage.appliedBy(await stage.agree(), 5);
    const leader = await stage.leader();
    const { one, rest } = splitOff(stage, leader);
    stage.disconnect(...rest);
    const proposal = stage.nextProposal();
    const outcome = stage.propose(leader, proposal);
    await stage.advance(10_000);
    assertEquals(stage.watch.appliedBy(proposal), 0, "A minority has committed");
    assertEquals(await outcome, false, "A proposal without a majority is not left unanswered");
    assert([leader, one].every((id) => stage.group.node(id).status().role !== "leader"));

    stage.connect(...rest);
    await stage.appliedBy(await stage.agree(), 5);
    await stage.finish();
  }));

// ConcurrentStarts (2B)
Deno.test("proposals made at the same time are all committed, each once, in one order everywhere", () =>
  play(3, {}, async (stage) => {
    const leader = await stage.leader();
    const proposals = Array.from({ length: 5 }, () => stage.nextProposal());
    const done = Promise.all(proposals.map((proposal) => stage.propose(leader, proposal)));
    assertEquals(await stage.group.clock.resolve(done, 5_000), proposals.map(() => true));
    for (const proposal of proposals) await stage.appliedBy(proposal, 3);
    assertEquals(stage.watch.proposals, proposals);
    await stage.finish(proposals);
  }));

// Rejoin (2B)
Deno.test("what a cut off leader has appended alone is replaced when it comes back", () =>
  play(3, {}, async (stage) => {
    const agreed = [await stage.agree()];
    const first = await stage.leader();
    stage.disconnect(first);
    const orphans = [1, 2, 3].map(() => stage.nextProposal());
    const outcomes = Promise.all(orphans.map((orphan) => stage.propose(first, orphan)));
    agreed.push(await stage.agree());
    assertEquals(await stage.group.clock.resolve(outcomes, 10_000), [false, false, false]);

    const second = await stage.leader();
    stage.disconnect(second);
    stage.connect(first);
    agreed.push(await stage.agree());
    stage.connect(second);
    const last = await stage.agree();
    await stage.appliedBy(last, 3);
    assertEquals(orphans.map((orphan) => stage.watch.appliedBy(orphan)), [0, 0, 0]);
    await stage.finish([...agreed, last]);
  }));

// Backup (2B)
Deno.test("fifty conflicting entries on either side of two partitions are overwritten within seconds", () =>
  play(5, { raft: { checkQuorum: false } }, async (stage) => {
    const acknowledged = [await stage.agree()];
    const propose = (id: NodeId) => Array.from({ length: 50 }, () => void stage.propose(id));
    // A leader and one follower take fifty that can never be committed.
    const first = await stage.leader();
    const { one, rest } = splitOff(stage, first);
    stage.disconnect(...rest);
    propose(first);
    await stage.advance(500);
    stage.disconnect(first, one);

    // The other three agree on fifty.
    stage.connect(...rest);
    for (let i = 0; i < 50; i++) acknowledged.push(await stage.agree());
    // One of them leaves, and the two take another fifty that can never be committed.
    const second = await stage.leader();
    const other = stage.othersThan(second)[0] ?? 0;
    stage.disconnect(other);
    propose(second);
    await stage.advance(500);

    // The first two and the one that left agree on fifty.
    stage.disconnect(...stage.ids);
    stage.connect(first, one, other);
    for (let i = 0; i < 50; i++) acknowledged.push(await stage.agree());

    stage.connect(...stage.ids);
    const startMs = stage.group.clock.now();
    const last = await stage.agree();
    await stage.appliedBy(last, 5);
    assertLess(stage.group.clock.now() - startMs, 5_000);
    await stage.finish([...acknowledged, last]);
  }));

// Backup (2B), entry by entry: the driver has no more than a few entries under way
Deno.test("two hundred conflicting entries of two terms take a message per term to find", () => {
  const network = new TestNetwork({ size: 5 });
  const fifty = (term: string) => Array.from({ length: 50 }, (_, i) => `${term} ${i}`);
  network.elect(1);
  network.isolate(1, 2);
  network.propose(1, ...fifty("lost in the first term"));
  const second = network.awaitLeader([3, 4, 5]).id;
  network.propose(second, ...fifty("agreed by three"));

  // One of them leaves, and the two take another fifty that cannot be committed.
  const [away = 0, stays = 0] = [3, 4, 5].filter((id) => id !== second);
  network.cut(away, second);
  network.cut(away, stays);
  network.propose(second, ...fifty("lost in the second term"));

  network.heal();
  network.isolate(second, stays);
  const third = network.awaitLeader([1, 2, away]).id;
  network.propose(third, ...fifty("agreed by three others"));
  network.heal();
  network.trace = [];
  network.tick(3);
  for (const node of network.nodes.values()) {
    assertEquals(node.appliedTexts, [
      ...fifty("agreed by three"),
      ...fifty("agreed by three others"),
    ]);
  }
  assertLess(network.trace.filter((line) => line.includes("append")).length, 40);
});

// Count (2B)
Deno.test("an election, ten entries and an idle second take few messages", () =>
  play(3, {}, async (stage) => {
    const { watch } = stage;
    const leader = await stage.leader();
    assertLessOrEqual(watch.messageCount, 30, "Messages of an election");

    // A first entry ends the probing.
    await stage.agree();
    const before = watch.messages.get("append") ?? 0;
    const done = [];
    for (let i = 0; i < 10; i++) {
      done.push(stage.propose(leader));
      await stage.advance(1);
    }
    assertEquals(await Promise.all(done), done.map(() => true));
    assertLessOrEqual((watch.messages.get("append") ?? 0) - before, 42, "Appends of ten entries");

    await stage.advance(1_000);
    const idle = watch.messageCount;
    await stage.advance(1_000);
    assertLessOrEqual(watch.messageCount - idle, 60, "Messages of an idle second");
    await stage.finish();
  }));
