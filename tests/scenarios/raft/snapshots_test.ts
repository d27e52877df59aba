import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { contentOf } from "../../../raft/node/testing/replica_content.ts";
import { play, RaftStage, type RaftStageOptions } from "./raft_stage.ts";
import { logBytes } from "./stored_log.ts";
import { UNRELIABLE } from "./unreliable_links.ts";

/** Entries that are kept: what is left behind by more needs a snapshot. */
const RETAINED_ENTRIES = 10;
/** Bytes of log records a node may have stored at any time: up to twice as many, and hard states. */
const LOG_BYTES_MAX = 4_000;
const ROUNDS = 30;

async function assertLogsShort(stage: RaftStage): Promise<void> {
  for (const id of stage.present) {
    const bytes = await logBytes(stage.group.engine(id));
    assertLess(bytes, LOG_BYTES_MAX, `Bytes of log of node ${id}`);
  }
}

/** Commits more than what is kept, so that whoever is away needs a snapshot. */
async function commitMany(stage: RaftStage): Promise<string[]> {
  const agreed: string[] = [];
  const count = 2 * RETAINED_ENTRIES + stage.draw.between(0, RETAINED_ENTRIES);
  for (let i = 0; i < count; i++) agreed.push(await stage.agree());
  return agreed;
}

/** Leaves a node behind, each time another one or the leader, until it needs a snapshot. */
async function leaveBehind(
  stage: RaftStage,
  how: "nothing" | "disconnect" | "crash",
): Promise<void> {
  const agreed = [await stage.agree()];
  for (let round = 0; round < ROUNDS; round++) {
    const leader = await stage.leader();
    const victim = round % 3 === 1 ? leader : stage.othersThan(leader)[0] ?? 0;
    if (how === "disconnect") stage.disconnect(victim);
    if (how === "crash") await stage.crash(victim);
    agreed.push(...await commitMany(stage));
    await assertLogsShort(stage);
    const lagging = stage.watch.snapshotsInstalled;
    if (how === "disconnect") stage.connect(victim);
    if (how === "crash") await stage.restart(victim);
    agreed.push(await stage.agree());
    await stage.group.converge(40_000);
    // Its leader keeps the log for it until it hears that the snapshot has arrived.
    await stage.advance(1_000);
    if (how !== "nothing") assertGreater(stage.watch.snapshotsInstalled, lagging);
  }
  await stage.finish(agreed);
}

function playSnapshots(
  options: RaftStageOptions,
  scenario: (stage: RaftStage) => Promise<void>,
): Promise<void> {
  return play(3, { retainedEntriesMax: RETAINED_ENTRIES, ...options }, scenario);
}

// SnapshotBasic (2D)
Deno.test("logs stay short while nothing fails, and nobody needs a snapshot", () =>
  playSnapshots({}, async (stage) => {
    await leaveBehind(stage, "nothing");
    assertEquals(stage.watch.snapshotsInstalled, 0);
  }));

// SnapshotInstall (2D, disconnect)
Deno.test("a node that was cut off too long for the log is brought back by a snapshot, each time", () =>
  playSnapshots({ seed: 2 }, (stage) => leaveBehind(stage, "disconnect")));

// SnapshotInstallUnreliable (2D, disconnect + unreliable)
Deno.test("snapshots arrive over an unreliable network too", () =>
  playSnapshots({ seed: 3, faults: UNRELIABLE }, async (stage) => {
    await leaveBehind(stage, "disconnect");
    assertGreater(stage.links.count("message lost"), 100);
    assertGreater(stage.links.count("request lost") + stage.links.count("answer lost"), 0);
  }));

// SnapshotInstallCrash (2D, crash)
Deno.test("a node that was down too long for the log is brought back by a snapshot, each time", () =>
  playSnapshots({ seed: 4 }, (stage) => leaveBehind(stage, "crash")));

// SnapshotInstallUnCrash (2D, crash + unreliable)
Deno.test("a node that was down is brought back by a snapshot over an unreliable network", () =>
  playSnapshots({ seed: 5, faults: UNRELIABLE }, (stage) => leaveBehind(stage, "crash")));

// SnapshotAllCrash (3D of the newer labs)
Deno.test("a group all of whose nodes crash goes on from its snapshots and the logs behind them", () =>
  playSnapshots({ seed: 6 }, async (stage) => {
    const agreed = [await stage.agree()];
    for (let round = 0; round < 5; round++) {
      agreed.push(...await commitMany(stage));
      const index = stage.group.node(await stage.leader()).status().lastIndex;
      await stage.crash(...stage.ids);
      await stage.restart(...stage.ids);
      agreed.push(await stage.agree());
      const after = stage.group.node(await stage.leader()).status().lastIndex;
      assertGreater(after, index, "The log went back");
      await assertLogsShort(stage);
    }
    await stage.finish(agreed);
  }));

// SnapshotInit (3D of the newer labs)
Deno.test("a node that restarts holds its snapshot before anything is committed anew, and keeps it when it crashes again", () =>
  playSnapshots({ seed: 7 }, async (stage) => {
    const agreed = await commitMany(stage);
    await stage.group.converge();
    // What is dropped from a log is dropped for good once something is synced behind it.
    agreed.push(await stage.agree());
    await stage.group.converge();
    const contents = new Map<number, string[]>();
    for (const id of stage.ids) contents.set(id, await contentOf(stage.group.node(id).reader));
    // Twice without a single entry in between: nobody is up long enough to lead.
    for (let round = 0; round < 2; round++) {
      await stage.crash(...stage.ids);
      await stage.restart(...stage.ids);
      for (const id of stage.ids) {
        const { applied, firstIndex } = stage.group.node(id).status();
        assert(firstIndex > 1 && applied >= firstIndex - 1);
      }
    }
    agreed.push(await stage.agree());
    await stage.finish(agreed);
    for (const id of stage.ids) {
      const before = contents.get(id)?.find((pair) => pair.startsWith("register/x=")) ?? "none";
      const after = await contentOf(stage.group.node(id).reader);
      assert(after.some((pair) => pair.startsWith(before)), `Node ${id} lost its state`);
    }
  }));
