/** A member is brought up to date by a snapshot while writes go on: what is kept of the log for it. */
import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { assertReplicasEqual } from "../../../raft/node/testing/replica_content.ts";
import { TestGroup } from "../../../raft/node/testing/test_group.ts";
import type { NodeId } from "../../../raft/types.ts";
import { sleep } from "../../../runtime/clock.ts";

const MEBIBYTE = "v".repeat(1 << 20);
/** Milliseconds a message is under way: a snapshot of 12 MiB takes some seconds. */
const DELAY_MS = 50;
const SNAPSHOT_MIB = 12;
/** Entries that may come on top of what is kept: the stride of compaction, and those under way. */
const slackOf = (retainedEntriesMax: number) => retainedEntriesMax + 2;

interface Scene {
  readonly group: TestGroup;
  readonly leader: NodeId;
  readonly away: NodeId;
  /** Snapshots that were offered so far. */
  readonly offers: () => number;
  /** Entries in the leader's log. */
  readonly logLength: () => number;
  /** Lets four callers write without a pause until the returned function is called. */
  readonly load: () => () => Promise<void>;
}

/** A group one of whose followers needs a snapshot. */
async function withOneBehind(
  retainedEntriesMax: number,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  let offers = 0;
  const group = await TestGroup.start(3, 1, {
    retainedEntriesMax,
    network: { delayMs: () => DELAY_MS, keepaliveMs: 5_000 },
    observer: () => ({
      messageLeft: (message) => void (message.type === "snapshot" && offers++),
    }),
  });
  try {
    const leader = await group.leader();
    const away = group.ids.find((id) => id !== leader) ?? 0;
    await group.write("x=start");
    await group.converge();
    group.isolate(away);
    await group.clock.advance(3_000);
    for (let i = 0; i < SNAPSHOT_MIB; i++) await group.write(`r${i}=${MEBIBYTE}`);
    for (let i = 0; i < 4 * retainedEntriesMax; i++) await group.write("x=.");
    const logLength = () => {
      const { firstIndex, lastIndex } = group.node(leader).status();
      return lastIndex - firstIndex + 1;
    };
    const load = () => startLoad(group, leader);
    await body({ group, leader, away, offers: () => offers, logLength, load });
    await group.converge(60_000);
    await assertReplicasEqual(group);
    assertEquals(group.failures, []);
  } finally {
    group.heal();
    await group.stop();
  }
}

function startLoad(group: TestGroup, leader: NodeId): () => Promise<void> {
  let ended = false;
  const writeOn = async (caller: number) => {
    // Never two at the same time: they would share an entry.
    await sleep(group.clock, caller * DELAY_MS / 2);
    while (!ended) await group.node(leader).propose(Buffer.from(`w${caller}=.`));
  };
  const callers = Promise.all([0, 1, 2, 3].map(writeOn));
  // A test that fails never waits for it, and tells more.
  callers.catch(() => {});
  return async () => {
    ended = true;
    await group.clock.resolve(callers, 10_000);
  };
}

/** Looks every 20 ms until the member has a snapshot, or the time is over. */
async function longestLog({ group, away, logLength }: Scene, limitMs: number): Promise<number> {
  const before = group.node(away).status().applied;
  const endMs = group.clock.now() + limitMs;
  let longest = logLength();
  while (group.clock.now() < endMs && group.node(away).status().applied === before) {
    await group.clock.advance(20);
    longest = Math.max(longest, logLength());
  }
  return longest;
}

Deno.test("a member whose snapshot takes longer than the log lasts catches up under a steady load", () =>
  withOneBehind(20, async (scene) => {
    const { group, leader, away, offers, logLength, load } = scene;
    const endLoad = load();
    group.heal();
    const longest = await longestLog(scene, 60_000);
    assertGreater(longest, 20 + slackOf(20), "The snapshot was too quick to need anything");
    const lag = () => group.node(leader).status().commit - group.node(away).status().applied;
    await group.clock.advanceUntil(() => lag() < 15, 10_000);
    assertEquals(offers(), 1);
    await group.clock.advance(3_000);
    assertLessOrEqual(logLength(), 20 + slackOf(20), "It is as short as ever behind that");
    await endLoad();
  }));

Deno.test("what is kept for a member that catches up has an end at four times the limit", () =>
  withOneBehind(8, async (scene) => {
    const { group, away, offers, logLength, load } = scene;
    const endLoad = load();
    group.heal();
    const longest = await longestLog(scene, 60_000);
    assertGreater(longest, 3 * 8, "Nothing was kept for it");
    assertLessOrEqual(longest, 4 * 8 + slackOf(8));
    assert(group.node(away).status().applied > 1);
    assertLess(logLength(), 4 * 8, "What can help nobody any more is gone");
    await endLoad();
    await group.converge(60_000);
    assertGreater(offers(), 1);
  }));
