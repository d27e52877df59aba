import { assert, assertEquals, assertRejects } from "@std/assert";
import { createPrng } from "../../../runtime/prng.ts";
import { type Engine, EngineError, type Write } from "../../../storage/engine.ts";
import { FileJournal } from "../../../storage/journal/file_journal.ts";
import { filesIn, withDirectory } from "../../../storage/journal/journal_fixture.ts";
import { appliedKey, nodeKey } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import type { Entry } from "../../types.ts";
import { appliedWrite } from "../members/roster_codec.ts";
import { firstRoster } from "../members/roster.ts";
import { encodeLogRecord, type LogRecord } from "./log_record.ts";
import { LogStore } from "./log_store.ts";

const SYNC = { sync: true };

const roster = firstRoster(new Map([[1, "one:1"]]));
const confState = roster.conf;

function entry(index: number, term: number, text = `entry ${index}`): Entry {
  return { index, term, kind: "normal", data: Buffer.from(text) };
}

async function withEntries(
  ...entries: Entry[]
): Promise<{ engine: MemoryEngine; store: LogStore }> {
  const engine = new MemoryEngine();
  const { store } = await LogStore.load(engine);
  const term = entries.at(-1)?.term ?? 0;
  await store.save({ term, vote: 0, commit: 0 }, entries);
  return { engine, store };
}

function writeOf(compacted: { readonly write: Write; readonly below: number } | undefined): Write {
  assert(compacted !== undefined);
  return compacted.write;
}

function summary(entries: readonly Entry[]): string[] {
  return entries.map(({ index, term, data }) => `${index}/${term} ${Buffer.from(data)}`);
}

Deno.test("LogStore.load() of a fresh engine finds nothing", async () => {
  const { state } = await LogStore.load(new MemoryEngine());
  assertEquals(state.hardState, { term: 0, vote: 0, commit: 0 });
  assertEquals(state.logStart, { index: 0, term: 0 });
  assertEquals(state.entries, []);
  assertEquals(state.applied, undefined);
});

Deno.test("LogStore.load() reads back what was appended", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1));
  const hardState = { term: 3, vote: 2, commit: 1 };
  await store.save(hardState, []);
  const { state } = await LogStore.load(engine);
  assertEquals(state.hardState, hardState);
  assertEquals(summary(state.entries), ["1/1 entry 1", "2/1 entry 2"]);
});

Deno.test("LogStore.append() replaces a conflicting suffix for good", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  await store.save({ term: 2, vote: 0, commit: 0 }, [entry(2, 2, "new")]);
  const { state } = await LogStore.load(engine);
  assertEquals(summary(state.entries), ["1/1 entry 1", "2/2 new"]);
});

Deno.test("LogStore.compact() drops a prefix and remembers where the log starts", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 2));
  const applied = appliedWrite(1, { index: 2, term: 1, roster });
  await engine.write([applied, writeOf(store.compact(2, () => 1))], SYNC);
  const { state } = await LogStore.load(engine);
  assertEquals(state.logStart, { index: 2, term: 1 });
  assertEquals(state.applied?.index, 2);
  assertEquals(summary(state.entries), ["3/2 entry 3"]);
});

Deno.test("LogStore.load() refuses a log that starts behind what was applied", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1));
  await engine.write([writeOf(store.compact(2, () => 1))], SYNC);
  await assertRejects(() => LogStore.load(engine), EngineError, "applied is only 0");
});

/** An engine whose journal holds these records and nothing else. */
async function withRecords(...records: LogRecord[]): Promise<MemoryEngine> {
  const engine = new MemoryEngine();
  for (const record of records) await engine.journal.append(encodeLogRecord(record));
  return engine;
}

const HARD_STATE = { term: 1, vote: 1, commit: 0 };

Deno.test("LogStore.load() refuses a log with a missing entry", async () => {
  const engine = await withRecords(
    { hardState: HARD_STATE, entries: [entry(1, 1)] },
    { hardState: HARD_STATE, entries: [entry(3, 1)] },
  );
  const error = await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "entry 2 is missing, the next is 3",
  );
  assertEquals(error.kind, "corruption");
});

Deno.test("LogStore.load() refuses a log whose first entry is missing", async () => {
  const engine = await withRecords({ hardState: HARD_STATE, entries: [entry(2, 1)] });
  await assertRejects(() => LogStore.load(engine), EngineError, "entry 1 is missing");
});

Deno.test("LogStore.load() refuses a journal record of an unknown format", async () => {
  const engine = new MemoryEngine();
  await engine.journal.append([Buffer.alloc(40, 1)]);
  await assertRejects(() => LogStore.load(engine), EngineError, "record 1 of the journal cannot");
});

Deno.test("LogStore.load() refuses a log that lost its committed tail", async () => {
  const engine = await withRecords({
    hardState: { term: 1, vote: 1, commit: 2 },
    entries: [entry(1, 1)],
  });
  await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "entries up to 2 were committed, the log ends at 1",
  );
});

Deno.test("LogStore.load() refuses a log that lost its applied tail", async () => {
  const engine = await withRecords({ hardState: HARD_STATE, entries: [entry(1, 1)] });
  await engine.write([appliedWrite(1, { index: 2, term: 1, roster })], SYNC);
  await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "entries up to 2 were applied, the log ends at 1",
  );
});

Deno.test("LogStore.load() refuses an engine without the journal that belonged to it", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1));
  const applied = appliedWrite(1, { index: 2, term: 1, roster });
  await engine.write([applied, writeOf(store.compact(2, () => 1))], SYNC);
  const { value } = writeOf({ write: applied, below: 0 }) as { value: Uint8Array };
  const base = await engine.get(nodeKey("logStart")) as Buffer;
  const other = new MemoryEngine();
  await other.write([
    { type: "put", key: appliedKey(1), value },
    { type: "put", key: nodeKey("logStart"), value: base },
  ], SYNC);
  await assertRejects(
    () => LogStore.load(other),
    EngineError,
    "the journal had 1 records, the last one now is 0",
  );
});

Deno.test("LogStore.load() refuses a damaged log start", async () => {
  const { engine, store } = await withEntries(entry(1, 1));
  await engine.write([writeOf(store.compact(1, () => 1))], SYNC);
  const value = await engine.get(nodeKey("logStart")) as Buffer;
  value[5] = (value[5] as number) ^ 1;
  await engine.write([{ type: "put", key: nodeKey("logStart"), value }], SYNC);
  await assertRejects(() => LogStore.load(engine), EngineError, "log start record fails");
});

Deno.test("LogStore.load() refuses a log whose term is behind its entries", async () => {
  const engine = await withRecords({ hardState: HARD_STATE, entries: [entry(1, 3)] });
  await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "the term is 1, the log ends with an entry of term 3",
  );
});

Deno.test("LogStore.compact() lets records go that hold nothing behind the start", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  await store.save(undefined, [entry(4, 1)]);
  await store.save({ term: 2, vote: 0, commit: 0 }, [entry(3, 2), entry(4, 2), entry(5, 2)]);
  await store.save(undefined, [entry(6, 2)]);
  const termOf = () => 1;
  assertEquals(store.compact(1, termOf)?.below, 1);
  assertEquals(store.compact(1, termOf), undefined);
  assertEquals(store.compact(2, termOf)?.below, 3, "Entries 3 and 4 of the first two are replaced");
  assertEquals(store.compact(5, termOf)?.below, 4);
  const all = writeOf(store.compact(6, () => 2));
  const applied = appliedWrite(1, { index: 6, term: 2, roster });
  await engine.write([applied, all], SYNC);
  await engine.journal.forget(5);
  const { state } = await LogStore.load(engine);
  assertEquals(state.entries, []);
  assertEquals(state.hardState.term, 2);
});

Deno.test("LogStore.compact() keeps what is durable until its replacement is", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  const saved = store.save({ term: 2, vote: 0, commit: 0 }, [entry(2, 2)]);
  assertEquals(store.compact(1, () => 1)?.below, 1);
  await saved;
  assertEquals(engine.journal.newest, 2);
});

for (let seed = 1; seed <= 8; seed++) {
  Deno.test(`LogStore.compact() keeps what an unfinished save replaces until that is durable (seed ${seed})`, async () => {
    let hangs = false;
    const engine = new MemoryEngine({
      delay: (operation) =>
        hangs && operation === "sync" ? new Promise(() => {}) : Promise.resolve(),
    });
    const { store } = await LogStore.load(engine);
    await store.save({ term: 1, vote: 0, commit: 0 }, [entry(1, 1), entry(2, 1)]);
    await store.save(undefined, [entry(3, 1), entry(4, 1)]);
    await store.save(undefined, [entry(5, 1)]);
    hangs = true;
    store.save({ term: 2, vote: 0, commit: 2 }, [entry(3, 2)]).catch(() => {});
    await Promise.resolve();
    hangs = false;
    const compacted = store.compact(2, () => 1);
    assert(compacted !== undefined);
    await engine.write([appliedWrite(1, { index: 2, term: 1, roster })], { sync: false });
    await engine.write([compacted.write], SYNC);
    await engine.journal.forget(compacted.below);
    const { state } = await LogStore.load(engine.crash(createPrng(seed)));
    assertEquals(state.entries[0]?.index, 3);
  });
}

Deno.test("LogStore.load() refuses a generation record that was cut", async () => {
  const { engine } = await withEntries(entry(1, 1));
  await engine.write([{ type: "put", key: nodeKey("generation"), value: Buffer.of(0, 0) }], SYNC);
  await assertRejects(() => LogStore.load(engine), EngineError, "generation record has 2 bytes");
});

Deno.test("LogStore.load() refuses a record of what was applied that makes no sense", async () => {
  const { engine } = await withEntries(entry(1, 1));
  const write = appliedWrite(1, { index: 1, term: 1, roster });
  const value = write.type === "put" ? write.value.subarray(0, -1) : Buffer.of();
  await engine.write([{ ...write, type: "put", value }], SYNC);
  await assertRejects(() => LogStore.load(engine), EngineError, "what was applied cannot be read");
});

Deno.test("LogStore.install() begins the log anew behind the snapshot", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  const meta = { index: 10, term: 4, confState, id: 0 };
  const hardState = { term: 4, vote: 2, commit: 11 };
  const install = store.install(meta, 2, hardState);
  await engine.write([...install, appliedWrite(2, { ...meta, roster })], SYNC);

  const { state: before } = await LogStore.load(engine);
  assertEquals(before.hardState, { term: 4, vote: 2, commit: 10 }, "Entry 11 is not there yet");
  assertEquals(before.entries, [], "What was in the log before belongs to another");

  await store.save(hardState, [entry(11, 4)]);
  const { state } = await LogStore.load(engine);
  assertEquals(state.generation, 2);
  assertEquals(state.logStart, { index: 10, term: 4 });
  assertEquals(state.hardState, hardState);
  assertEquals(summary(state.entries), ["11/4 entry 11"]);
  assertEquals(state.applied?.index, 10);
});

Deno.test("LogStore.install() changes nothing before its writes are made", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  store.install({ index: 2, term: 4, confState, id: 0 }, 2, { term: 4, vote: 0, commit: 2 });
  const { state } = await LogStore.load(engine);
  assertEquals(state.generation, 1);
  assertEquals(summary(state.entries), ["1/1 entry 1", "2/1 entry 2", "3/1 entry 3"]);
});

/** The same engine with a journal of files, which forgets them whole. */
function withJournal(engine: MemoryEngine, journal: FileJournal): Engine {
  return new Proxy<Engine>(engine, {
    get: (target, name) => {
      if (name === "journal") return journal;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

Deno.test("LogStore.load() copes with a journal that begins with replaced entries", () =>
  withDirectory(async (directory) => {
    const memory = new MemoryEngine();
    const options = { segmentBytes: 8_000 };
    const journal = await FileJournal.open(directory, options);
    const engine = withJournal(memory, journal);
    const { store } = await LogStore.load(engine);
    const save = (index: number, term: number, commit: number) =>
      store.save({ term, vote: 0, commit }, [entry(index, term, "e".repeat(1_000))]);
    for (let index = 1; index <= 10; index++) await save(index, 1, Math.min(6, index - 1));
    // Some of what is replaced begins the second file, behind what the first one holds of it.
    assertEquals((await filesIn(directory)).length, 2);
    for (let index = 7; index <= 14; index++) await save(index, 2, index - 1);
    const compacted = store.compact(7, () => 2);
    const applied = appliedWrite(1, { index: 12, term: 2, roster });
    await engine.write([applied, writeOf(compacted)], SYNC);
    await journal.forget(compacted?.below ?? 0);
    assertEquals((await filesIn(directory)).length, 2);
    await journal.close();

    const reopened = await FileJournal.open(directory, options);
    const { state } = await LogStore.load(withJournal(memory, reopened));

    const found = state.entries.map(({ index, term }) => [index, term]);
    assertEquals(found, [8, 9, 10, 11, 12, 13, 14].map((index) => [index, 2]));
    await reopened.close();
  }));
