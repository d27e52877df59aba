/** What production code writes is what the checkers read, although they share nothing. */
import { assert, assertEquals } from "@std/assert";
import { LogStore } from "../../../raft/node/log/log_store.ts";
import { appliedWrite } from "../../../raft/node/members/roster_codec.ts";
import { firstRoster } from "../../../raft/node/members/roster.ts";
import { SessionTable } from "../../../raft/node/sessions/session_table.ts";
import { sessionKey, userKey } from "../../../shardkv/machine/machine_keys.ts";
import type { Write } from "../../../storage/engine.ts";
import { machineKey as productionKey, machinePrefix } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import { confOf, entryOf } from "./checker_testing.ts";
import { stayRecords } from "./stay_records.ts";
import {
  durableFacts,
  holdsEntry,
  machineRecords,
  readFacts,
  storedSizes,
  storedTerm,
} from "./stored_facts.ts";

const roster = firstRoster(new Map([[1, "a:1"], [2, "b:1"]]));

async function engineWith(writes: readonly Write[], sync = true): Promise<MemoryEngine> {
  const engine = new MemoryEngine();
  await engine.write(writes, { sync });
  return engine;
}

async function loadedFrom(engine: MemoryEngine): Promise<LogStore> {
  return (await LogStore.load(engine)).store;
}

Deno.test("readFacts() reads the hard state, the log and what is applied", async () => {
  const engine = new MemoryEngine();
  const store = await loadedFrom(engine);
  const terms = [1, 1, 2 ** 40, 2 ** 40];
  const entries = terms.map((term, i) => entryOf(i + 1, term, "x".repeat(i)));
  await store.save(undefined, [
    ...entries.slice(0, 2),
    entryOf(3, 7),
    entryOf(4, 7),
    entryOf(5, 7),
  ]);
  await store.save({ term: 2 ** 40, vote: 3, commit: 2 }, entries.slice(2));
  const compacted = store.compact(2, (index) => terms[index - 1]);
  assert(compacted !== undefined);
  const applied = appliedWrite(1, { index: 300, term: 2 ** 33, roster });
  await engine.write([applied, compacted.write], { sync: true });
  assertEquals(readFacts(engine.content), {
    term: 2 ** 40,
    vote: 3,
    commit: 2,
    start: { index: 2, term: 1 },
    last: 4,
    generation: 1,
    applied: { index: 300, term: 2 ** 33 },
  });
  assertEquals(storedSizes(engine.content), new Map([[4, 3], [3, 2]]));
  assertEquals(storedTerm(engine.content, 3), 2 ** 40);
  assertEquals(storedTerm(engine.content, 2), undefined);
  assertEquals([1, 3, 4, 5].map((index) => holdsEntry(engine.durable, index, 2 ** 40)), [
    true,
    true,
    true,
    false,
  ]);
  await engine.close();
});

Deno.test("readFacts() reads what a snapshot has made live", async () => {
  const meta = { index: 9, term: 4, confState: confOf(1), id: 7 };
  const engine = await engineWith([
    { type: "put", key: productionKey(machinePrefix(1), Buffer.of(1)), value: Buffer.of(1) },
    { type: "put", key: productionKey(machinePrefix(2), Buffer.of(2)), value: Buffer.of(2) },
    appliedWrite(2, { index: 9, term: 4, roster }),
  ]);
  const store = await loadedFrom(engine);
  await store.save({ term: 3, vote: 0, commit: 0 }, [1, 2, 3].map((index) => entryOf(index, 3)));
  const writes = store.install(meta, 2, { term: 4, vote: 1, commit: 12 });
  await engine.write(writes, { sync: true });
  assertEquals(readFacts(engine.content), {
    term: 4,
    vote: 1,
    commit: 9,
    generation: 2,
    start: { index: 9, term: 4 },
    last: 9,
    applied: { index: 9, term: 4 },
  });
  assertEquals(machineRecords(engine.content), [{ key: Buffer.of(2), value: Buffer.of(2) }]);
  await engine.close();
});

Deno.test("durableFacts() tells what is synced, and notices when more is", async () => {
  const engine = new MemoryEngine();
  const store = await loadedFrom(engine);
  await store.save({ term: 1, vote: 0, commit: 0 }, []);
  assertEquals(durableFacts(engine.durable).term, 1);
  const saved = store.save({ term: 2, vote: 0, commit: 0 }, []);
  assertEquals(durableFacts(engine.durable).term, 1);
  assertEquals(readFacts(engine.content).term, 2);
  await saved;
  assertEquals(durableFacts(engine.durable).term, 2);

  const applied = appliedWrite(1, { index: 5, term: 2, roster });
  await engine.write([applied], { sync: false });
  assertEquals(durableFacts(engine.durable).applied.index, 0);
  await engine.write([], { sync: true });
  assertEquals(durableFacts(engine.durable).applied.index, 5);
  await engine.close();
});

Deno.test("stayRecords() reads a stay's values and sessions, but not when those were used", async () => {
  const recordAt = (nowMs: number) => {
    const table = new SessionTable();
    table.begin("77", 5, 3, nowMs);
    table.finish("77", 5, Buffer.from("reply"));
    const [dirty] = table.takeDirty();
    return dirty?.record ?? Buffer.alloc(0);
  };
  const readAt = async (nowMs: number) => {
    const stay = { shard: 300, incarnation: 9 };
    const other = { shard: 300, incarnation: 10 };
    const put = (key: Buffer, value: Buffer): Write => ({
      type: "put",
      key: productionKey(machinePrefix(1), key),
      value,
    });
    const engine = await engineWith([
      put(userKey(stay, Buffer.from("key")), Buffer.from("value")),
      put(sessionKey(stay, "77"), recordAt(nowMs)),
      put(userKey(other, Buffer.from("key")), Buffer.from("another stay's")),
    ]);
    const records = stayRecords(engine.content, 300, 9);
    await engine.close();
    return records;
  };
  const records = await readAt(5);
  assertEquals(records.values, new Map([["key", Buffer.from("value")]]));
  assertEquals([...records.sessions.keys()], ["000000000000004d"]);
  assertEquals((await readAt(1_000_000)).sessions, records.sessions);
});
