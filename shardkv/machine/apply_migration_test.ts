/** Chunks as no source gives them, or at a time when none may come. */
import { assertEquals } from "@std/assert";
import type { InsertChunk, ShardRecord } from "../../proto/gen/shardkv.ts";
import { bytes, configChain, keyIn, MachineHarness, write } from "../testing/machine_harness.ts";
import { encodeInsert } from "./commands.ts";
import { changeCursor } from "./machine_keys.ts";

const NONE = Buffer.alloc(0);
const SHARDS = 2;
const [A, B, M] = [keyIn(0, SHARDS, 1), keyIn(0, SHARDS, 2), keyIn(0, SHARDS, 3)];

function record(key: string, value = "v"): ShardRecord {
  return { key: bytes(key), value: bytes(value), deleted: false };
}

function deleted(key: string): ShardRecord {
  return { key: bytes(key), value: NONE, deleted: true };
}

function chunk(cursorBefore: Buffer, parts: Partial<InsertChunk>): InsertChunk {
  const empty = { records: [], cursorAfter: cursorBefore, done: false };
  return { configNum: 2, shard: 0, cursorBefore, ...empty, ...parts };
}

/** Group 200, which has shard 1 and gains shard 0 in configuration 2; one record of it has come. */
async function gainer(): Promise<MachineHarness> {
  const group = new MachineHarness(200);
  for (const config of configChain([100, 200], [200, 200])) await group.config(config);
  const first = chunk(NONE, {
    records: [record(`\x02${A}`, "first")],
    cursorAfter: bytes("\x02k"),
  });
  assertEquals(await group.insert(first), "done");
  return group;
}

/** Everything that the group has stored and what it says of it. */
async function stateOf(group: MachineHarness) {
  const pairs = await group.reader.scan(Buffer.of(0), Buffer.of(0xff));
  return {
    records: pairs.map(({ key, value }) => [key.toString("hex"), value.toString("hex")]),
    figures: group.machine.figures(),
    cursor: Buffer.from(group.machine.cursorOf(0) ?? NONE),
  };
}

/** Takes a chunk in vain: nothing of it is left, at once and after a restart. */
async function assertNothing(
  group: MachineHarness,
  bad: InsertChunk,
  outcome: string,
  what: string,
): Promise<void> {
  const before = await stateOf(group);
  assertEquals(await group.insert(bad), outcome, what);
  assertEquals(await stateOf(group), before, what);
  await group.restart();
  assertEquals(await stateOf(group), before, what);
}

const SESSION = record(`\x01${"\0".repeat(7)}\x05`, "\x01\0\0\0");

/** Records that are none, with what is wrong with them. */
const UNSOUND: readonly (readonly [what: string, unsound: ShardRecord])[] = [
  ["an empty key", record("")],
  ["a key without the user's", record("\x02")],
  ["another kind", record("\x07k")],
  ["a change", { ...record(""), key: changeCursor(3) }],
  ["a client too short", record(`\x01${"\0".repeat(7)}`, "\x01\0\0\0")],
  ["a client too long", record(`\x01${"\0".repeat(9)}`, "\x01\0\0\0")],
  ["a session without a record", record(`\x01${"\0".repeat(7)}\x05`, "")],
  ["a session cut off", record(`\x01${"\0".repeat(7)}\x05`, "\x01\0\0\x02\x01")],
  ["a session with more behind it", record(`\x01${"\0".repeat(7)}\x05`, "\x01\0\0\0\0")],
  ["a session of a later format", record(`\x01${"\0".repeat(7)}\x05`, "\x02\0\0\0")],
  ["a session that is gone", deleted(`\x01${"\0".repeat(7)}\x05`)],
  ["a session both there and gone", { ...SESSION, deleted: true }],
];

Deno.test("applyInsert() refuses a chunk with a record that is none, and keeps nothing of its others", async () => {
  const group = await gainer();
  const sound = record(`\x02${B}`);
  const cursor = bytes("\x02k");
  for (const [what, unsound] of UNSOUND) {
    for (const records of [[unsound], [unsound, sound], [sound, unsound]]) {
      const bad = chunk(cursor, { records, cursorAfter: bytes("\x02m") });
      await assertNothing(group, bad, "refused", what);
    }
  }
  await assertNothing(
    group,
    chunk(cursor, { records: [sound, deleted(`\x02${A}`)], cursorAfter: bytes("\x02m") }),
    "refused",
    "a record that is gone, before changes were told",
  );
  assertEquals(await group.insert(chunk(cursor, { cursorAfter: changeCursor(0) })), "done");
  for (const [what, unsound] of UNSOUND) {
    const bad = chunk(changeCursor(0), {
      records: [sound, unsound],
      cursorAfter: changeCursor(2),
      done: true,
    });
    await assertNothing(group, bad, "refused", `${what}, among changes`);
  }
  // What is refused does not stand in the way of what is right.
  const records = [sound, deleted(`\x02${A}`), SESSION];
  const last = chunk(changeCursor(0), { records, cursorAfter: changeCursor(3), done: true });
  assertEquals(await group.insert(last), "done");
  assertEquals([await group.value(A), await group.value(B)], [undefined, "v"]);
  await group.close();
});

Deno.test("applyInsert() refuses a chunk that leads back, or ends before the changes were told", async () => {
  const group = await gainer();
  const cursor = bytes("\x02k");
  const records = [record(`\x02${B}`)];
  for (const cursorAfter of [NONE, bytes("\x02"), bytes("\x02j"), bytes("\x01zzzzzzzz")]) {
    const bad = chunk(cursor, { records, cursorAfter });
    await assertNothing(group, bad, "refused", `back to ${cursorAfter.toString("hex")}`);
  }
  for (const cursorAfter of [cursor, bytes("\x02m"), changeCursor(0)]) {
    const bad = chunk(cursor, { records, cursorAfter, done: true });
    await assertNothing(group, bad, "refused", `done at ${cursorAfter.toString("hex")}`);
  }
  assertEquals(await group.insert(chunk(cursor, { cursorAfter: changeCursor(300) })), "done");
  for (const cursorAfter of [changeCursor(299), cursor, NONE]) {
    const bad = chunk(changeCursor(300), { records, cursorAfter });
    await assertNothing(group, bad, "refused", `back to ${cursorAfter.toString("hex")}`);
  }
  await group.close();
});

Deno.test("applyInsert() takes no chunk that comes again, too early, or of another configuration or shard", async () => {
  const group = await gainer();
  const cursor = bytes("\x02k");
  const next = chunk(cursor, { records: [record(`\x02${M}`)], cursorAfter: bytes("\x02n") });
  await assertNothing(group, { ...next, configNum: 1 }, "already", "of an earlier configuration");
  await assertNothing(group, { ...next, configNum: 3 }, "notReady", "of a later configuration");
  await assertNothing(group, { ...next, cursorBefore: NONE }, "already", "again");
  await assertNothing(group, { ...next, cursorBefore: bytes("\x02l") }, "already", "too early");
  const changes = { ...next, cursorBefore: changeCursor(0), cursorAfter: changeCursor(1) };
  await assertNothing(group, { ...changes, done: true }, "already", "changes before the records");
  // The cursor of a shard that is no longer fetched is empty, as that of one that has just begun.
  const first = { ...next, cursorBefore: NONE };
  await assertNothing(group, { ...first, shard: 1 }, "already", "of a shard that is served here");
  await assertNothing(group, { ...first, shard: 7 }, "already", "of a shard that is not here");
  assertEquals(await group.insert(next), "done");
  await assertNothing(group, next, "already", "a second time");
  await group.close();
});

Deno.test("applyInsert() takes nothing behind the last chunk, while the source has its copy and after that", async () => {
  const group = await gainer();
  const cursor = bytes("\x02k");
  assertEquals(await group.insert(chunk(cursor, { cursorAfter: changeCursor(0) })), "done");
  const last = chunk(changeCursor(0), {
    records: [record(`\x02${A}`, "last")],
    cursorAfter: changeCursor(1),
    done: true,
  });
  assertEquals(await group.insert(last), "done");
  await group.write([write({ key: bytes(A), value: bytes("written here") })]);
  const stale = { records: [record(`\x02${A}`, "stale")], cursorAfter: changeCursor(9) };
  for (const status of ["GCing", "Serving"]) {
    assertEquals(group.statuses()[0], status);
    for (const before of [NONE, cursor, changeCursor(0), changeCursor(1)]) {
      await assertNothing(group, chunk(before, stale), "already", `${status}, one more`);
      await assertNothing(
        group,
        chunk(before, { ...stale, done: true }),
        "already",
        `${status}, end`,
      );
    }
    assertEquals(await group.settle(2, 0), status === "GCing" ? "done" : "already");
  }
  assertEquals(await group.value(A), "written here");
  await group.close();
});

Deno.test("apply() does nothing for a chunk that was cut off in the middle of a field", async () => {
  const group = await gainer();
  const next = chunk(bytes("\x02k"), {
    records: [record(`\x02${B}`)],
    cursorAfter: bytes("\x02m"),
  });
  const whole = encodeInsert(next);
  const before = await stateOf(group);
  for (let length = 1; length < whole.length; length++) {
    const [reply] = await group.apply(whole.subarray(0, length));
    // Cut between two fields it is a chunk still, which leads back to where no cursor is.
    const refused = reply?.kind === "step" && ["refused", "already"].includes(reply.outcome);
    assertEquals(refused || reply?.kind === "invalid", true, `${length} of ${whole.length} bytes`);
    assertEquals(await stateOf(group), before);
  }
  assertEquals(await group.step(whole), "done");
  await group.close();
});
