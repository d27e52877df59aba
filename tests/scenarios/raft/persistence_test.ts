import { assertGreater, assertGreaterOrEqual } from "@std/assert";
import type { NodeId } from "../../../raft/types.ts";
import { play, type RaftStage } from "./raft_stage.ts";
import { LONG_REORDERING, SLOW, UNRELIABLE } from "./unreliable_links.ts";

async function crashAndRestart(stage: RaftStage, ...ids: NodeId[]): Promise<void> {
  await stage.crash(...ids);
  await stage.restart(...ids);
}

// Persist1 (2C)
Deno.test("what was agreed on survives a restart of all, of the leader and of a follower", () =>
  play(3, {}, async (stage) => {
    const agreed = [await stage.agree()];
    await crashAndRestart(stage, ...stage.ids);
    agreed.push(await stage.agree());

    await crashAndRestart(stage, await stage.leader());
    agreed.push(await stage.agree());

    const leader = await stage.leader();
    await stage.crash(leader);
    agreed.push(await stage.agree());
    await stage.restart(leader);
    await stage.appliedBy(agreed.at(-1) ?? "", 3);

    const follower = stage.othersThan(await stage.leader())[0] ?? 0;
    await stage.crash(follower);
    agreed.push(await stage.agree());
    await stage.restart(follower);
    await stage.appliedBy(agreed.at(-1) ?? "", 3);
    await stage.finish(agreed);
  }));

// Persist2 (2C)
Deno.test("rolling minorities lose nothing, round after round", () =>
  play(5, {}, async (stage) => {
    const agreed: string[] = [];
    for (let round = 0; round < 5; round++) {
      agreed.push(await stage.agree());
      const leader = await stage.leader();
      const [a = 0, b = 0, c = 0, d = 0] = stage.othersThan(leader);
      await stage.crash(a, b);
      agreed.push(await stage.agree());
      await stage.crash(leader, c, d);
      // Two that lag and one that does not: only that one may lead.
      await stage.restart(a, b);
      await stage.advance(3_000);
      await stage.restart(d);
      await stage.leader();
      agreed.push(await stage.agree());
      await stage.restart(leader, c);
    }
    await stage.finish(agreed);
  }));

// Persist3 (2C)
Deno.test("a leader and a follower crash, the leader returns, and it and the third go on", () =>
  play(3, {}, async (stage) => {
    const agreed = [await stage.agree()];
    const leader = await stage.leader();
    const [one = 0, two = 0] = stage.othersThan(leader);
    stage.disconnect(two);
    agreed.push(await stage.agree());
    await stage.crash(leader, one);
    stage.connect(two);
    await stage.restart(leader);
    agreed.push(await stage.agree());
    await stage.restart(one);
    await stage.appliedBy(agreed.at(-1) ?? "", 3);
    await stage.finish(agreed);
  }));

/** Proposes on every node that thinks it leads, as often as it is called. */
class Proposer {
  readonly acknowledged: string[] = [];
  made = 0;
  readonly #stage: RaftStage;

  constructor(stage: RaftStage) {
    this.#stage = stage;
  }

  /** @returns The leaders there are */
  everywhere(): NodeId[] {
    const { group, ids } = this.#stage;
    const leaders = ids.filter((id) =>
      group.isRunning(id) && group.node(id).status().role === "leader"
    );
    for (const id of leaders) this.propose(id);
    return leaders;
  }

  propose(id: NodeId): void {
    const proposal = this.#stage.nextProposal();
    this.made++;
    void this.#stage.propose(id, proposal).then((done) => {
      if (done) this.acknowledged.push(proposal);
    });
  }
}

/** Leaders that crash right after they took an entry, so that old terms' entries lie about half replicated. */
async function figure8(stage: RaftStage, rounds: number): Promise<void> {
  const { group, draw } = stage;
  const proposer = new Proposer(stage);
  for (let round = 0; round < rounds; round++) {
    const leaders = proposer.everywhere();
    await stage.advance(draw.oneIn(10) ? draw.between(0, 500) : draw.between(0, 13));
    await stage.crash(...leaders);
    const down = stage.ids.filter((id) => !group.isRunning(id));
    if (down.length > 2 || (down.length > 0 && draw.oneIn(3))) await stage.restart(draw.pick(down));
    if (leaders.length === 0) await stage.advance(draw.between(50, 500));
  }
  assertGreater(stage.watch.elections, rounds / 20);
  assertGreater(proposer.made, rounds / 20);
  assertGreater(proposer.acknowledged.length, rounds / 100);
  await stage.finish(proposer.acknowledged);
}

// Figure8 (2C)
Deno.test("a thousand crashes of leaders never undo what was committed (figure 8)", () =>
  // Entries that travel one by one leave every mixture of old and new ones behind.
  play(
    5,
    { seed: 8, faults: SLOW, raft: { appendBytesMax: 1 } },
    (stage) => figure8(stage, 1_000),
  ));

// UnreliableAgree (2C)
Deno.test("five by fifty proposals made at once are agreed on over an unreliable network", () =>
  play(5, { seed: 5, faults: UNRELIABLE }, async (stage) => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 50; round++) {
      const leader = await stage.leader();
      const proposals = Array.from({ length: 5 }, () => stage.nextProposal());
      const outcomes = Promise.all(proposals.map((proposal) => stage.propose(leader, proposal)));
      const done = await stage.group.clock.resolve(outcomes, 30_000);
      acknowledged.push(...proposals.filter((_, i) => done[i]));
    }
    assertGreaterOrEqual(acknowledged.length, 125);
    assertGreater(stage.links.count("message lost"), 50);
    await stage.finish(acknowledged);
  }));

/** Leaders are cut off instead of crashed, over a network that delivers late and out of order. */
async function figure8Unreliable(stage: RaftStage): Promise<void> {
  const { group, draw } = stage;
  const proposer = new Proposer(stage);
  for (let round = 0; round < 1_000; round++) {
    if (round === 200) stage.links.faults = LONG_REORDERING;
    const leaders = proposer.everywhere();
    await stage.advance(draw.oneIn(10) ? draw.between(0, 500) : draw.between(0, 13));
    const [leader] = leaders;
    if (leader !== undefined && draw.oneIn(2)) stage.disconnect(leader);
    const away = stage.ids.filter((id) => !stage.present.includes(id));
    if (away.length > 2) stage.connect(draw.pick(away));
    if (group.isRunning(1) && leaders.length === 0) await stage.advance(draw.between(20, 200));
  }
  assertGreater(stage.watch.elections, 1);
  assertGreater(stage.links.count("message late"), 100);
  await stage.finish(proposer.acknowledged);
}

// Figure8Unreliable (2C)
Deno.test("cut off leaders and messages seconds late never undo what was committed (figure 8)", () =>
  play(5, { seed: 12, faults: UNRELIABLE }, figure8Unreliable));

/** Proposals without end while nodes are cut off, crash and come back. */
async function churn(stage: RaftStage): Promise<void> {
  const { draw, group } = stage;
  const proposer = new Proposer(stage);
  for (let round = 0; round < 60; round++) {
    if (draw.oneIn(5)) stage.disconnect(draw.pick(stage.ids));
    if (draw.oneIn(2)) stage.connect(draw.pick(stage.ids));
    const id = draw.pick(stage.ids);
    if (!group.isRunning(id)) await stage.restart(id);
    else if (draw.oneIn(5)) await stage.crash(id);
    for (let i = 0; i < 30; i++) {
      proposer.everywhere();
      await stage.advance(draw.between(5, 30));
    }
  }
  assertGreater(proposer.acknowledged.length, 100);
  await stage.finish(proposer.acknowledged);
}

// ReliableChurn (2C)
Deno.test("every value that is acknowledged while nodes come and go is in the log once", () =>
  play(5, { seed: 10 }, churn));

// UnreliableChurn (2C)
Deno.test("every value that is acknowledged while nodes come and go and messages are lost is in the log once", () =>
  play(5, { seed: 11, faults: UNRELIABLE }, churn));

Deno.test("a vote given before a power cut is not given again to another candidate of that term", () =>
  // Two candidates that nothing holds back and that hear of each other only through the third node.
  play(3, {
    seed: 12,
    faults: SLOW,
    raft: { preVote: false, checkQuorum: false, electionTicks: 2 },
  }, async (stage) => {
    const { network } = stage.group;
    network.cut(stage.group.address(1), stage.group.address(3));
    network.cut(stage.group.address(3), stage.group.address(1));
    for (let round = 0; round < 200; round++) {
      await stage.advance(stage.draw.between(100, 500));
      await crashAndRestart(stage, 2);
    }
    // That no term had two leaders was watched all along.
    assertGreater(stage.watch.elections, 20);
    await stage.finish();
  }));
