import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { contentOf } from "../../../raft/node/testing/replica_content.ts";
import { play } from "./raft_stage.ts";
import { logBytes } from "./stored_log.ts";

// The newer labs' layer between Raft and the services (4A and 4C).

// Basic4A
Deno.test("submissions one after the other are answered with what the machine says", () =>
  play(3, {}, async ({ group }) => {
    for (let i = 1; i <= 10; i++) assertEquals(await group.write("c=1"), "1".repeat(i));
  }));

// Concurrent4A
Deno.test("fifty submissions at the same time get fifty different answers", () =>
  play(3, {}, async (stage) => {
    const leader = stage.group.node(await stage.leader());
    const answers = Array.from({ length: 50 }, () => leader.propose(Buffer.from("c=1")));
    const lengths = (await stage.group.clock.resolve(Promise.all(answers), 10_000))
      .map((answer) => String(answer).length);
    assertEquals(lengths.sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i + 1));
    await stage.finish();
  }));

// LeaderFailure4A
Deno.test("submissions go on with the next leader after the first has crashed", () =>
  play(3, {}, async (stage) => {
    assertEquals(await stage.group.write("c=1"), "1");
    await stage.crash(await stage.leader());
    assertEquals(await stage.group.write("c=1"), "11");
    await stage.finish();
  }));

// LeaderPartition4A
Deno.test("a submission to a leader without a majority never succeeds, and the majority answers its own", () =>
  play(3, {}, async (stage) => {
    const agreed = [await stage.agree()];
    const cutOff = await stage.leader();
    stage.disconnect(cutOff);
    const orphan = stage.nextProposal();
    const outcome = stage.propose(cutOff, orphan);
    for (let i = 0; i < 10; i++) agreed.push(await stage.agree());
    assertEquals(await stage.group.clock.resolve(outcome, 10_000), false);
    stage.heal();
    await stage.finish(agreed);
    assert(!stage.watch.proposals.includes(orphan), "The orphan was committed after all");
  }));

// RestartReplay4A
Deno.test("a restart replays exactly what was applied before, no more and no less", () =>
  play(3, {}, async (stage) => {
    for (let i = 0; i < 20; i++) await stage.group.write(`c=${i},`);
    await stage.group.converge();
    const before = await contentOf(stage.group.node(1).reader);
    await stage.crash(...stage.ids);
    await stage.restart(...stage.ids);
    await stage.leader();
    await stage.group.converge();
    for (const id of stage.ids) {
      assertEquals(await contentOf(stage.group.node(id).reader), before);
      assertEquals(stage.group.machine(id).count, 20);
    }
  }));

// Shutdown4A
Deno.test("submissions under way when the nodes shut down return, and later ones are refused at once", () =>
  play(3, {}, async (stage) => {
    const leader = stage.group.node(await stage.leader());
    stage.disconnect(...stage.ids);
    const outcomes: string[] = [];
    const submit = () =>
      leader.propose(Buffer.from("c=1")).then(
        () => outcomes.push("done"),
        (error) => outcomes.push(error.code),
      );
    for (let i = 0; i < 20; i++) void submit();
    await stage.advance(50);
    assertEquals(outcomes, []);
    await stage.crash(...stage.ids);
    assertEquals(outcomes, Array.from({ length: 20 }, () => "UNAVAILABLE"));
    void submit();
    await stage.advance(0);
    assertEquals(outcomes.length, 21);
    assertEquals(outcomes.includes("done"), false);
    await stage.restart(...stage.ids);
    await stage.finish();
  }));

// RestartSubmit4A
Deno.test("submissions after a restart are not mixed up with those before it", () =>
  play(3, {}, async (stage) => {
    const agreed: string[] = [];
    for (let round = 0; round < 5; round++) {
      const leader = await stage.leader();
      const before = [1, 2, 3].map(() => stage.nextProposal());
      const outcomes = Promise.all(before.map((proposal) => stage.propose(leader, proposal)));
      // Nodes go down with submissions in every stage of their way.
      await stage.advance(round);
      await stage.crash(...stage.ids);
      const done = await outcomes;
      agreed.push(...before.filter((_, i) => done[i]));
      await stage.restart(...stage.ids);
      const again = stage.group.node(await stage.leader());
      const own = stage.nextProposal();
      const answer = await stage.group.clock.resolve(again.propose(Buffer.from(own)), 10_000);
      assert(String(answer).endsWith(own.slice(2)), `${own} got the answer ${answer}`);
      agreed.push(own);
    }
    await stage.finish(agreed);
  }));

// Snapshot4C
Deno.test("snapshots keep the log short, and a restart from one answers as if all had been replayed", () =>
  play(3, { retainedEntriesMax: 10 }, async (stage) => {
    for (let i = 0; i < 100; i++) await stage.group.write("c=1");
    await stage.group.converge();
    for (const id of stage.ids) {
      assertLess(await logBytes(stage.group.engine(id)), 2_000);
      assertGreater(stage.group.node(id).status().firstIndex, 80);
    }
    await stage.crash(...stage.ids);
    await stage.restart(...stage.ids);
    assertEquals(await stage.group.write("c=1"), "1".repeat(101));
    await stage.finish();
  }));
