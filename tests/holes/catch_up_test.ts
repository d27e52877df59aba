import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import type { ObservedCore } from "../../raft/node/observer.ts";
import { assertReplicasEqual } from "../../raft/node/testing/replica_content.ts";
import { TestGroup, type TestGroupOptions } from "../../raft/node/testing/test_group.ts";
import type { Message } from "../../raft/message.ts";
import type { NodeId } from "../../raft/types.ts";
import { MESSAGE_BYTES_MAX } from "../../rpc/limits.ts";
import { parseServerFlags as parseControllerFlags } from "../../shardctrler/server_flags.ts";
import { parseServerFlags } from "../../shardkv/server_flags.ts";
import { Traffic } from "./traffic.ts";

/** A group whose traffic is measured, and one of whose followers is away. */
interface Scene {
  readonly group: TestGroup;
  readonly traffic: Traffic;
  readonly cores: ReadonlyMap<NodeId, ObservedCore>;
  readonly offers: Message[];
  readonly leader: NodeId;
  readonly away: NodeId;
}

async function withOneAway(
  options: TestGroupOptions,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const cores = new Map<NodeId, ObservedCore>();
  const offers: Message[] = [];
  const traffic = new Traffic();
  const group = await TestGroup.start(3, 1, {
    ...options,
    dialer: (_clock, _from, dialer) => traffic.wrap(dialer),
    observer: (id) => ({
      started: (core) => void cores.set(id, core),
      messageLeft: (message) => void (message.type === "snapshot" && offers.push(message)),
    }),
  });
  try {
    await group.write("x=start");
    await group.converge();
    const leader = await group.leader();
    const away = group.ids.find((id) => id !== leader) ?? 0;
    group.isolate(away);
    await group.clock.advance(3_000);
    await body({ group, traffic, cores, offers, leader, away });
    assertEquals(group.failures, []);
  } finally {
    group.heal();
    await group.stop();
  }
}

const MEBIBYTE = "v".repeat(1 << 20);

Deno.test("E16: a follower 64 MiB behind catches up from the log, in messages within the limit", () =>
  withOneAway({ retainedBytesMax: 256 << 20 }, async ({ group, traffic, offers, away }) => {
    // A register each, so that none outgrows the rest.
    for (let i = 0; i < 64; i++) await group.write(`r${i}=${MEBIBYTE}`);
    group.heal();
    await group.converge(60_000);
    assertEquals(offers, [], "It was to come from the log");
    assertEquals(group.machine(away).count, 65);
    assertGreater(traffic.largestFrame, 1 << 20);
    assertLessOrEqual(traffic.largestFrame, MESSAGE_BYTES_MAX);
  }));

Deno.test("E16: a follower 64 MiB behind a compacted log catches up by a snapshot, in chunks within the limit", () =>
  withOneAway({ retainedEntriesMax: 4 }, async ({ group, traffic, offers, away }) => {
    for (let i = 0; i < 64; i++) await group.write(`r${i}=${MEBIBYTE}`);
    group.heal();
    await group.converge(60_000);
    assertEquals(offers.length, 1);
    assertEquals(group.machine(away).count, 65);
    assertGreater(traffic.chunks, 60);
    assertLessOrEqual(traffic.largestChunk, MESSAGE_BYTES_MAX);
    assertLessOrEqual(traffic.largestFrame, MESSAGE_BYTES_MAX);
  }));

Deno.test("E17: a follower that compacted what it never acknowledged goes on, without a storm of messages", () =>
  withOneAway({ retainedEntriesMax: 4 }, async ({ group, traffic, leader, away }) => {
    group.heal();
    await group.converge();
    // It hears everything and its answers are lost.
    for (const id of group.ids) group.network.cut(group.address(away), group.address(id));
    for (let i = 0; i < 20; i++) await group.write(`x=${i}`);
    await group.clock.advance(1_000);
    group.heal();
    const before = traffic.frames;
    await group.write("x=last");
    await group.converge();
    await group.clock.advance(1_000);
    assertLess(traffic.frames - before, 200);
    assertEquals(group.node(leader).status().role === "leader" || (await group.leader()) > 0, true);
  }));

Deno.test("E18: a peer that is down is dialled at a growing distance, and costs no messages", () =>
  withOneAway({}, async ({ group, traffic, away }) => {
    group.heal();
    await group.crash(away);
    await group.clock.advance(5_000);
    const before = { streams: traffic.streams, frames: traffic.frames };
    await group.clock.advance(60_000);
    const attempts = traffic.streams - before.streams;
    // Two peers dial it, each every 250 to 500 ms.
    assertGreater(attempts, 30);
    assertLess(attempts, 2 * 60 * 5);
    // Heartbeats between the two that are left, ten a second and their answers.
    assertLess(traffic.frames - before.frames, 60 * 10 * 4);
  }));

Deno.test("E20: the servers as shipped keep a bounded log", async () => {
  for (const settings of [parseServerFlags(["-gid", "1"]), parseControllerFlags([])]) {
    assertLessOrEqual(settings.retainedEntriesMax, 100_000);
    assertLessOrEqual(settings.retainedBytesMax, 256 << 20);
  }
  const { retainedEntriesMax, retainedBytesMax } = parseServerFlags(["-gid", "1"]);
  const group = await TestGroup.start(1, 1, { retainedEntriesMax, retainedBytesMax });
  while (group.node(1).status().role !== "leader") await group.clock.advance(100);
  const entries = retainedEntriesMax + 1_000;
  for (let i = 0; i < entries; i++) {
    void group.node(1).propose(Buffer.from("x="));
    await group.clock.advance(0);
  }
  const { firstIndex, lastIndex } = group.node(1).status();
  assertGreater(lastIndex, entries);
  assertLess(lastIndex - firstIndex, retainedEntriesMax + 300);
  await group.stop();
});

Deno.test("E22: a slow snapshot is sent once, and counts for nothing before the follower has stored it", () => {
  const network = { delayMs: () => 50, keepaliveMs: 5_000 };
  return withOneAway({ retainedEntriesMax: 4, network }, async (scene) => {
    const { group, traffic, cores, offers, leader, away } = scene;
    for (let i = 0; i < 16; i++) await group.write(`r${i}=${MEBIBYTE}`);
    const before = group.node(away).status().applied;
    group.heal();
    const startMs = group.clock.now();
    await group.clock.advanceUntil(() => {
      const { applied } = group.node(away).status();
      const match = cores.get(leader)?.status().progress.get(away)?.match ?? 0;
      assert(match <= Math.max(before, applied), `Match is ${match}, applied is ${applied}`);
      return applied > before;
    }, 120_000);
    assertGreater(group.clock.now() - startMs, 1_000, "Heartbeats passed meanwhile");
    assertEquals(offers.length, 1);
    assertLessOrEqual(traffic.chunks, 20);
    await group.converge(60_000);
  });
});

Deno.test("E28: writes go on as ever while a snapshot is on its way, and what was deleted stays away", () => {
  const network = { delayMs: () => 20, keepaliveMs: 5_000 };
  return withOneAway({ retainedEntriesMax: 4, network }, async ({ group, traffic, away }) => {
    for (let i = 0; i < 16; i++) await group.write(`r${i}=${MEBIBYTE}`);
    await group.write("x-");
    const timed = async () => {
      const startMs = group.clock.now();
      await group.write("y=1");
      return group.clock.now() - startMs;
    };
    const alone = await timed();
    group.heal();
    await group.clock.advanceUntil(() => traffic.chunks > 0, 20_000);
    const first = traffic.chunks;
    for (let i = 0; i < 8; i++) assertLessOrEqual(await timed(), alone + 10);
    assertGreater(traffic.chunks, first, "The snapshot was over before the writes");
    await group.converge(60_000);
    await assertReplicasEqual(group);
    assertEquals(await group.node(away).reader.get(Buffer.from("register/x")), undefined);
  });
});
