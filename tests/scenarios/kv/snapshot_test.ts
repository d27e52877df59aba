import { assert, assertEquals } from "@std/assert";
import { Appender, appendersOf } from "../appender.ts";
import { GID, KvGroup } from "./kv_group.ts";
import { runRounds } from "./rounds.ts";

/** Log entries that replicas keep for others that fall behind. */
const RETAINED = 10;
/** Entries a log grows by before it is worth a write to trim it. */
const TRIMMED_AT_ONCE = 256;
/** Entries of a log at most: what is kept, what waits to be trimmed, what is under way. */
const LENGTH_MAX = RETAINED + TRIMMED_AT_ONCE + 40;
const TUNING = { retainedEntriesMax: RETAINED };
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

function assertLogsBounded(group: KvGroup): void {
  for (const position of group.positions) {
    const { logFirstIndex, logLastIndex } = group.store.node(GID, position).status();
    const length = logLastIndex - logFirstIndex + 1;
    assert(length <= LENGTH_MAX, `the log of replica ${position} has ${length} entries`);
  }
}

// kvraft 3B SnapshotRPC
Deno.test("a replica that was away gets by a snapshot what the others' logs no longer hold", async () => {
  await using group = await KvGroup.start({ replicas: 3, tuning: TUNING });
  const { store } = group;
  const client = group.client();
  await group.run(client.put("a", "A"));
  const leader = await group.leader();
  const [away = 0, other = 0] = group.positions.filter((position) => position !== leader);
  group.split(group.addresses([away]), group.addresses([leader, other]));
  const missed = store.node(GID, away).status().logLastIndex;
  await group.run((async () => {
    for (let i = 0; i < 2 * LENGTH_MAX; i++) await client.put(`${i % 50}`, `${i}`);
    await client.put("b", "B");
  })());
  assertLogsBounded(group);
  assert(store.node(GID, leader).status().logFirstIndex > missed + 1, "the log holds it all");
  group.heal();
  const applied = () => store.node(GID, away).status().lastApplied;
  await store.until(() => applied() >= store.node(GID, leader).status().commitIndex);
  // From here on it takes part in every decision.
  group.split(
    group.addresses([other]),
    [...group.addresses([leader, away]), group.addressOf(client)],
  );
  await group.run(client.put("c", "C"), 20_000);
  for (let i = 2 * LENGTH_MAX - 50; i < 2 * LENGTH_MAX; i++) {
    assertEquals(text(await group.run(client.get(`${i % 50}`))), `${i}`);
  }
  group.heal();
  for (const [key, value] of [["a", "A"], ["b", "B"], ["c", "C"]] as const) {
    assertEquals(text(await group.run(client.get(key))), value);
  }
  await store.crash(GID, away);
  await store.start(GID, away);
  await group.run(client.append("c", "C"));
  assertEquals(text(await group.run(client.get("c"))), "CC");
  assertEquals(store.failures, []);
});

// kvraft 3B SnapshotSize
Deno.test("writes of one key cost a replica no more than the value and a bounded log, however many", async () => {
  await using group = await KvGroup.start({ replicas: 3, tuning: TUNING });
  const client = group.client();
  const sizes = () => group.positions.map((i) => group.store.node(GID, i).status().storageSize);
  const peakOf = async (writes: number) => {
    let peak = 0;
    for (let i = 0; i < writes; i++) {
      await client.put("x", i % 2 === 0 ? "0" : "1");
      peak = Math.max(peak, ...sizes());
    }
    return peak;
  };
  const first = await group.run(peakOf(2 * LENGTH_MAX));
  const second = await group.run(peakOf(2 * LENGTH_MAX));
  assertLogsBounded(group);
  assert(second <= first + 500, `${first} bytes at most at first, ${second} later`);
});

// kvraft 3B Speed
Deno.test("1,000 writes take less than 33 ms each while the log is trimmed behind them", async () => {
  await using group = await KvGroup.start({ replicas: 3, tuning: TUNING });
  const appender = new Appender(group, "key");
  await group.run(appender.append());
  const start = group.now;
  await group.run((async () => {
    while (appender.words < 1_001) await appender.append();
  })());
  const each = (group.now - start) / 1_000;
  assert(each < 33, `${each} ms each`);
  assertLogsBounded(group);
  await group.run(appender.check());
});

// kvraft 3B SnapshotRecover
Deno.test("one client finds what it has appended after power cuts, from snapshots and short logs", async () => {
  await using group = await KvGroup.start({ tuning: TUNING });
  await runRounds(group, appendersOf(group, 1), { crashes: true });
  assertLogsBounded(group);
});

// kvraft 3B SnapshotRecoverManyClients
Deno.test("20 clients find what they have appended after power cuts, from snapshots and short logs", async () => {
  await using group = await KvGroup.start({ tuning: TUNING });
  await runRounds(group, appendersOf(group, 20), { crashes: true });
  assertLogsBounded(group);
});

// kvraft 3B SnapshotUnreliable
Deno.test("five clients find what they have appended over a lossy network and short logs", async () => {
  await using group = await KvGroup.start({ unreliable: true, tuning: TUNING });
  await runRounds(group, appendersOf(group, 5));
  assertLogsBounded(group);
});

// kvraft 3B SnapshotUnreliableRecover
Deno.test("five clients find what they have appended after power cuts, a lossy network and short logs", async () => {
  await using group = await KvGroup.start({ unreliable: true, tuning: TUNING });
  await runRounds(group, appendersOf(group, 5), { crashes: true });
  assertLogsBounded(group);
});

// kvraft 3B SnapshotUnreliableRecoverConcurrentPartition
Deno.test("five clients find what they have appended after every misfortune at once, with short logs", async () => {
  await using group = await KvGroup.start({ unreliable: true, tuning: TUNING });
  await runRounds(group, appendersOf(group, 5), { partitions: true, crashes: true });
  assertLogsBounded(group);
});
