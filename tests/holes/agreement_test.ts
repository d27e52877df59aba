import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { play } from "../scenarios/raft/raft_stage.ts";

for (const [size, enough] of [[1, 1], [2, 2], [4, 3], [6, 4]] as const) {
  Deno.test(`E11: of ${size} nodes ${enough} acknowledge a write and fewer do not`, () =>
    play(size, { raft: { checkQuorum: false } }, async (stage) => {
      const leader = await stage.leader();
      const others = stage.othersThan(leader);
      stage.disconnect(...others.slice(enough - 1));
      const done = await stage.group.clock.resolve(stage.propose(leader), 10_000);
      assert(done, `${enough} of ${size} nodes acknowledge nothing`);
      if (enough === 1) return;
      stage.disconnect(...others.slice(enough - 2));
      const proposal = stage.nextProposal();
      let answered = false;
      void stage.propose(leader, proposal).then((done) => answered = done);
      await stage.advance(20_000);
      assertEquals(answered, false);
      assertEquals(stage.watch.appliedBy(proposal), 0);
      await stage.finish();
    }));
}

Deno.test("E14: a proposer whose index another leader has filled is told so, and gets nobody else's reply", () =>
  // The old leader goes on thinking that it leads until it hears of the new one.
  play(3, { raft: { checkQuorum: false } }, async (stage) => {
    for (let round = 0; round < 10; round++) {
      const old = await stage.leader();
      stage.disconnect(old);
      const orphans = Array.from({ length: 3 }, () => stage.nextProposal());
      const answers = orphans.map((orphan) =>
        stage.group.node(old).propose(Buffer.from(orphan)).then(
          String,
          ({ code }) => code as string,
        )
      );
      // Others take the very indexes the orphans stand at.
      const agreed = [await stage.agree(), await stage.agree(), await stage.agree()];
      stage.connect(old);
      const codes = await stage.group.clock.resolve(Promise.all(answers), 10_000);
      assertEquals(codes, orphans.map(() => "LEADERSHIP_LOST"));
      await stage.appliedBy(agreed.at(-1) ?? "", 3);
    }
    await stage.finish();
  }));

Deno.test("E24: a node that was cut off neither deposes the leader nor raises the term when it returns", () =>
  play(5, {}, async (stage) => {
    const leader = await stage.leader();
    const { term } = stage.group.node(leader).status();
    for (const away of stage.othersThan(leader)) {
      stage.disconnect(away);
      await stage.advance(20_000);
      stage.connect(away);
      await stage.advance(5_000);
    }
    assertEquals(stage.watch.elections, 1);
    for (const id of stage.ids) assertEquals(stage.group.node(id).status().term, term);
    await stage.finish();
  }));

Deno.test("E24: a leader cut off with a minority steps down and takes no more in", () =>
  play(5, {}, async (stage) => {
    const old = await stage.leader();
    const [companion = 0] = stage.othersThan(old);
    const rest = stage.othersThan(old).filter((id) => id !== companion);
    stage.disconnect(...rest);
    const { lastIndex } = stage.group.node(old).status();
    for (let i = 0; i < 100; i++) {
      void stage.propose(old);
      await stage.advance(50);
    }
    assertNotEquals(stage.group.node(old).status().role, "leader");
    const taken = stage.group.node(old).status().lastIndex - lastIndex;
    assert(taken <= 4, `${taken} entries that nobody can commit`);
    await stage.finish();
  }));

Deno.test("E25: a proposal is replicated at once, not when the next timer wakes somebody", () =>
  play(3, {}, async (stage) => {
    await stage.agree();
    const leader = stage.group.node(await stage.leader());
    const { clock } = stage.group;
    for (let i = 0; i < 200; i++) {
      await clock.advance(stage.draw.between(1, 100));
      const startMs = clock.now();
      let done = false;
      void leader.propose(Buffer.from(stage.nextProposal())).then(() => done = true);
      await clock.advance(0);
      assert(done, `Proposal ${i} waits at ${startMs} ms`);
    }
    await stage.finish();
  }));

Deno.test("E27: a group of one elects itself, commits, and does so again after a power cut", () =>
  play(1, {}, async (stage) => {
    const agreed = [await stage.agree()];
    await stage.crash(1);
    await stage.restart(1);
    agreed.push(await stage.agree());
    assertNotEquals(stage.group.node(1).status().term, 1);
    await stage.finish(agreed);
  }));

Deno.test("E32: a thousand linearizable reads leave no entry in the log and write nothing", () =>
  play(3, {}, async (stage) => {
    await stage.agree();
    await stage.group.converge();
    const leader = stage.group.node(await stage.leader());
    const before = {
      status: leader.status(),
      writes: stage.ids.map((id) => stage.group.writes(id)),
    };
    for (let i = 0; i < 100; i++) {
      const reads = Promise.all(Array.from({ length: 10 }, () => leader.readBarrier()));
      await stage.group.clock.resolve(reads, 5_000);
    }
    assertEquals(leader.status(), before.status);
    assertEquals(stage.ids.map((id) => stage.group.writes(id)), before.writes);
    await stage.finish();
  }));
