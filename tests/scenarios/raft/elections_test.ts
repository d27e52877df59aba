import { assertEquals, assertLessOrEqual, assertNotEquals } from "@std/assert";
import { play, type RaftStage } from "./raft_stage.ts";

function termsOf(stage: RaftStage): number[] {
  return stage.present.map((id) => stage.group.node(id).status().term);
}

// InitialElection (2A)
Deno.test("a new group elects one leader, agrees on its term and keeps both while nothing fails", () =>
  play(3, {}, async (stage) => {
    const leader = await stage.leader();
    const [term, ...others] = termsOf(stage);
    assertEquals(others, [term, term]);
    await stage.advance(60_000);
    assertEquals(await stage.leader(), leader);
    assertEquals(termsOf(stage), [term, term, term]);
    assertEquals(stage.watch.elections, 1);
  }));

// ReElection (2A)
Deno.test("a lost leader is replaced, comes back as a follower, and nobody leads without a quorum", () =>
  play(3, {}, async (stage) => {
    const first = await stage.leader();
    stage.disconnect(first);
    const second = await stage.leader();
    assertNotEquals(second, first);

    stage.connect(first);
    await stage.advance(5_000);
    assertEquals(await stage.leader(), second, "The old leader disturbs the new one");
    assertEquals(stage.group.node(first).status().role, "follower");

    const [other = 0] = stage.othersThan(second);
    stage.disconnect(second, other);
    await stage.advance(20_000);
    const leaders = stage.ids.filter((id) => stage.group.node(id).status().role === "leader");
    assertEquals(leaders, [], "Somebody leads without a quorum");

    stage.connect(other);
    await stage.leader();
    stage.connect(second);
    await stage.leader();
    await stage.finish();
  }));

// ManyElections (2A)
Deno.test("seven nodes of which any three are cut off always have one leader", () =>
  play(7, {}, async (stage) => {
    for (let round = 0; round < 10; round++) {
      const away = new Set<number>();
      while (away.size < 3) away.add(stage.draw.pick(stage.ids));
      stage.disconnect(...away);
      await stage.leader();
      const leading = stage.present.filter((id) => stage.group.node(id).status().role === "leader");
      assertEquals(leading.length, 1, "The majority has another leader than the one it follows");
      stage.connect(...away);
      await stage.leader();
    }
    assertLessOrEqual(stage.watch.elections, 20);
    await stage.finish();
  }));

// InitialElection on the unreliable network, with what pre-votes and check-quorum are for
Deno.test("a group of five whose messages are lost and late now and then seldom changes its leader", () =>
  play(5, { seed: 4 }, async (stage) => {
    await stage.leader();
    stage.links.faults = { dropChance: 0.1, repeatChance: 0.1, lateChance: 0.1, lateMaxMs: 200 };
    await stage.advance(60_000);
    assertLessOrEqual(stage.watch.elections, 3);
    await stage.finish();
  }));
