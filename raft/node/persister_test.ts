import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { generationRange } from "../../storage/key_space.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import type { Ready } from "../ready.ts";
import type { Entry, LogIndex, Term } from "../types.ts";
import { LiveGeneration } from "./apply/live_generation.ts";
import { LogStore } from "./log/log_store.ts";
import { appliedWrite } from "./members/roster_codec.ts";
import { firstRoster } from "./members/roster.ts";
import { Persister, type Round } from "./persister.ts";
import { RaftMetrics } from "./raft_metrics.ts";

const roster = firstRoster(new Map([[1, "one:1"]]));

/** A round that has nothing but entries of one term, from `first` on. */
function roundOf(term: Term, first: LogIndex, count: number): Round {
  const entries = Array.from({ length: count }, (_, i): Entry => {
    const data = Buffer.from(`${term}/${first + i}`);
    return { index: first + i, term, kind: "normal", data };
  });
  const ready: Ready = {
    softState: undefined,
    hardState: { term, vote: 0, commit: 0 },
    snapshot: undefined,
    entries,
    messages: [],
    messagesAfterPersist: [],
    committedEntries: [],
    readStates: [],
    droppedReads: [],
  };
  return { ready, installation: undefined };
}

/** A round that has nothing but a snapshot, staged in a generation. */
function snapshotRound(generation: number, index: LogIndex): Round {
  const round = roundOf(1, index, 0);
  const meta = { index, term: 1, confState: roster.conf, id: generation };
  return {
    installation: { meta, generation },
    ready: { ...round.ready, hardState: { term: 1, vote: 0, commit: index }, snapshot: meta },
  };
}

/** A persister whose disk syncs nothing before it is let go; it is given no snapshots. */
async function heldPersister() {
  const { promise: released, resolve: letGo } = Promise.withResolvers<void>();
  const engine = new MemoryEngine({
    delay: (operation) => operation === "sync" ? released : Promise.resolve(),
  });
  const { store } = await LogStore.load(engine);
  const persisted: number[] = [];
  const twoWrites = Promise.withResolvers<void>();
  const persister = new Persister({
    identity: { clusterId: "1", gid: 1, nodeId: 1 },
    engine,
    store,
    machine: undefined as never,
    generation: new LiveGeneration(engine, 1),
    applier: undefined as never,
    clock: new VirtualClock(),
    metrics: new RaftMetrics(),
    retainedEntriesMax: 100,
    onPersisted: (rounds) => {
      if (persisted.push(rounds.length) === 2) twoWrites.resolve();
    },
    onInstalled: () => {},
    onFatal: twoWrites.reject,
  });
  return { engine, persister, persisted, letGo, twoWrites: twoWrites.promise };
}

Deno.test("Persister writes an entry that was replaced while it waited once, in its latest form", async () => {
  const { engine, persister, persisted, letGo, twoWrites } = await heldPersister();
  persister.enqueue(roundOf(1, 1, 4));
  persister.start();
  // These wait for the write under way and share the next one.
  persister.enqueue(roundOf(1, 5, 2));
  persister.enqueue(roundOf(2, 6, 1));
  letGo();
  await twoWrites;
  assertEquals(persisted, [1, 2], "rounds of each write");

  const { state } = await LogStore.load(engine);

  const stored = state.entries.map(({ index, term, data }) => [index, term, `${data}`]);
  assertEquals(stored.slice(4), [[5, 1, "1/5"], [6, 2, "2/6"]]);
  await engine.close();
});

Deno.test("Persister clears a snapshot that another one replaces in the same write", async () => {
  const engine = new MemoryEngine();
  const { store } = await LogStore.load(engine);
  const applied = [0, 100, 200].map((index, i) => appliedWrite(1 + i, { index, term: 1, roster }));
  await engine.write(applied, { sync: true });
  const persisted = Promise.withResolvers<void>();
  const persister = new Persister({
    identity: { clusterId: "1", gid: 1, nodeId: 1 },
    engine,
    store,
    machine: { load: () => Promise.resolve() } as never,
    generation: new LiveGeneration(engine, 1),
    applier: { pause: () => Promise.resolve(), resume: () => {} } as never,
    clock: new VirtualClock(),
    metrics: new RaftMetrics(),
    retainedEntriesMax: 100,
    onPersisted: () => persisted.resolve(),
    onInstalled: () => {},
    onFatal: persisted.reject,
  });
  persister.enqueue(snapshotRound(2, 100));
  persister.enqueue(snapshotRound(3, 200));
  persister.start();
  await persisted.promise;
  const records = async (generation: number) =>
    (await engine.scan(generationRange(generation))).length;
  // What is cleared is cleared beside everything else.
  await new VirtualClock().advance(1_000);
  assertEquals([await records(1), await records(2), await records(3)], [0, 0, 1]);
  await engine.close();
});
