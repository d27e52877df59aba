import { assertEquals, assertRejects } from "@std/assert";
import { EngineError } from "../../storage/engine.ts";
import { logKey, nodeKey } from "../../storage/key_space.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import type { Entry } from "../types.ts";
import { LogStore } from "./log_store.ts";
import { firstRoster } from "./roster.ts";
import { appliedWrite } from "./roster_codec.ts";

const sync = { sync: true };

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
  const hardState = store.saveHardState({ term, vote: 0, commit: 0 });
  await engine.write([...store.append(entries), hardState], sync);
  return { engine, store };
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
  await engine.write([store.saveHardState(hardState)], sync);
  const { state } = await LogStore.load(engine);
  assertEquals(state.hardState, hardState);
  assertEquals(summary(state.entries), ["1/1 entry 1", "2/1 entry 2"]);
});

Deno.test("LogStore.append() replaces a conflicting suffix for good", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  const hardState = store.saveHardState({ term: 2, vote: 0, commit: 0 });
  await engine.write([...store.append([entry(2, 2, "new")]), hardState], sync);
  const { state } = await LogStore.load(engine);
  assertEquals(summary(state.entries), ["1/1 entry 1", "2/2 new"]);
});

Deno.test("LogStore.compact() drops a prefix and remembers where the log starts", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 2));
  const applied = appliedWrite(1, { index: 2, term: 1, roster });
  await engine.write([...store.compact(2, () => 1), applied], sync);
  const { state } = await LogStore.load(engine);
  assertEquals(state.logStart, { index: 2, term: 1 });
  assertEquals(state.applied?.index, 2);
  assertEquals(summary(state.entries), ["3/2 entry 3"]);
});

Deno.test("LogStore.load() refuses a log that starts behind what was applied", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1));
  await engine.write(store.compact(2, () => 1), sync);
  await assertRejects(() => LogStore.load(engine), EngineError, "applied is only 0");
});

Deno.test("LogStore.load() refuses a log with a missing entry", async () => {
  const { engine } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  await engine.write([{ type: "del", key: logKey(2) }], sync);
  const error = await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "entry 2 is missing, the next is 3",
  );
  assertEquals(error.kind, "corruption");
});

Deno.test("LogStore.load() refuses an entry with a flipped bit", async () => {
  const { engine } = await withEntries(entry(1, 1));
  const value = await engine.get(logKey(1)) as Buffer;
  value[value.length - 1] = (value[value.length - 1] as number) ^ 1;
  await engine.write([{ type: "put", key: logKey(1), value }], sync);
  await assertRejects(() => LogStore.load(engine), EngineError, "entry 1 fails its checksum");
});

Deno.test("LogStore.load() refuses an entry stored under another index", async () => {
  const { engine } = await withEntries(entry(1, 1), entry(2, 1));
  const value = await engine.get(logKey(1)) as Buffer;
  await engine.write([{ type: "put", key: logKey(2), value }], sync);
  await assertRejects(() => LogStore.load(engine), EngineError, "entry 2 fails its checksum");
});

Deno.test("LogStore.load() refuses a log that lost its committed tail", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1));
  await engine.write([store.saveHardState({ term: 1, vote: 1, commit: 2 })], sync);
  await engine.write([{ type: "del", key: logKey(2) }], sync);
  await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "entries up to 2 were committed, the log ends at 1",
  );
});

Deno.test("LogStore.load() refuses a damaged hard state", async () => {
  const { engine, store } = await withEntries(entry(1, 1));
  await engine.write([store.saveHardState({ term: 1, vote: 1, commit: 0 })], sync);
  const value = await engine.get(nodeKey("hardState")) as Buffer;
  value[5] = (value[5] as number) ^ 1;
  await engine.write([{ type: "put", key: nodeKey("hardState"), value }], sync);
  await assertRejects(() => LogStore.load(engine), EngineError, "hard state record fails");
});

Deno.test("LogStore.load() refuses a log whose hard state is gone", async () => {
  const { engine } = await withEntries(entry(1, 1), entry(2, 3));
  await engine.write([{ type: "del", key: nodeKey("hardState") }], sync);
  await assertRejects(
    () => LogStore.load(engine),
    EngineError,
    "the term is 0, the log ends with an entry of term 3",
  );
});

Deno.test("LogStore.load() refuses a generation record that was cut", async () => {
  const { engine } = await withEntries(entry(1, 1));
  await engine.write([{ type: "put", key: nodeKey("generation"), value: Buffer.of(0, 0) }], sync);
  await assertRejects(() => LogStore.load(engine), EngineError, "generation record has 2 bytes");
});

Deno.test("LogStore.load() refuses a record of what was applied that makes no sense", async () => {
  const { engine } = await withEntries(entry(1, 1));
  const write = appliedWrite(1, { index: 1, term: 1, roster });
  const value = write.type === "put" ? write.value.subarray(0, -1) : Buffer.of();
  await engine.write([{ ...write, type: "put", value }], sync);
  await assertRejects(() => LogStore.load(engine), EngineError, "what was applied cannot be read");
});

Deno.test("LogStore.install() begins the log anew behind the snapshot", async () => {
  const { engine, store } = await withEntries(entry(1, 1), entry(2, 1), entry(3, 1));
  const meta = { index: 10, term: 4, confState, id: 0 };
  const hardState = store.saveHardState({ term: 4, vote: 0, commit: 10 });
  await engine.write(
    [...store.install(meta, 2), appliedWrite(2, { ...meta, roster }), hardState],
    sync,
  );
  await engine.write(store.append([entry(11, 4)]), sync);
  const { state } = await LogStore.load(engine);
  assertEquals(state.generation, 2);
  assertEquals(state.logStart, { index: 10, term: 4 });
  assertEquals(summary(state.entries), ["11/4 entry 11"]);
  assertEquals(state.applied?.index, 10);
});
