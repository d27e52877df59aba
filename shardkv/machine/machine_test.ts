import { assert, assertEquals } from "@std/assert";
import { ResultCode, WriteOp } from "../../proto/gen/shardkv.ts";
import { SESSION_TTL_MS } from "../../rpc/retry.ts";
import {
  bytes,
  configChain,
  keyIn,
  MachineHarness,
  write,
  writes,
} from "../testing/machine_harness.ts";
import { encodeConfigStep, encodeDrop, encodeFreeze, encodeInsert } from "./commands.ts";
import { changeCursor } from "./machine_keys.ts";

const {
  RESULT_OK: OK,
  RESULT_NO_KEY: NO_KEY,
  RESULT_WRONG_GROUP: WRONG_GROUP,
  RESULT_VALUE_TOO_LARGE: VALUE_TOO_LARGE,
  RESULT_STALE_SEQUENCE: STALE_SEQUENCE,
  RESULT_INVALID: INVALID,
} = ResultCode;
const { WRITE_OP_PUT, WRITE_OP_APPEND, WRITE_OP_DELETE, WRITE_OP_CAS } = WriteOp;

/** A group that serves both shards of a cluster of two. */
async function servingGroup(): Promise<MachineHarness> {
  const group = new MachineHarness(100);
  const [one] = configChain([100, 100]);
  assert(one !== undefined);
  assertEquals(await group.config(one), "done");
  return group;
}

Deno.test("apply() lets the commands of a batch see each other's writes", async () => {
  const group = await servingGroup();
  const key = bytes("k");
  const codes = await group.write([
    write({ op: WRITE_OP_DELETE, key }),
    write({ op: WRITE_OP_PUT, key, value: bytes("a") }),
    write({ op: WRITE_OP_APPEND, key, value: bytes("b") }),
    write({ op: WRITE_OP_CAS, key, expected: bytes("ab"), value: bytes("c") }),
    write({ op: WRITE_OP_APPEND, key, value: bytes("d") }),
  ]);
  assertEquals(codes, [NO_KEY, OK, OK, OK, OK]);
  assertEquals(await group.value("k"), "cd");
  await group.close();
});

Deno.test("apply() of a compare-and-set says what the key holds when it does not match", async () => {
  const group = await servingGroup();
  await group.write([write({ key: bytes("k"), value: bytes("now") })]);
  const cas = { op: WRITE_OP_CAS, key: bytes("k"), value: bytes("new") };
  const [reply] = await group.apply(writes([
    write({ ...cas, expected: bytes("then") }),
    write({ ...cas, expectAbsent: true }),
    write({ ...cas, key: bytes("absent"), expected: bytes("") }),
  ]));
  assert(reply?.kind === "writes");
  const shown = reply.results.map(({ code, value, hasValue }) => [code, `${value}`, hasValue]);
  const { RESULT_MISMATCH: MISMATCH } = ResultCode;
  assertEquals(shown, [[MISMATCH, "now", true], [MISMATCH, "now", true], [MISMATCH, "", false]]);
  assertEquals(await group.value("k"), "now");
  await group.close();
});

Deno.test("apply() of a compare-and-set creates, replaces and deletes", async () => {
  const group = await servingGroup();
  const cas = { op: WRITE_OP_CAS, key: bytes("k") };
  assertEquals(await group.write([write({ ...cas, expectAbsent: true, value: bytes("1") })]), [OK]);
  assertEquals(await group.write([write({ ...cas, expected: bytes("1"), value: bytes("2") })]), [
    OK,
  ]);
  assertEquals(await group.value("k"), "2");
  const gone = write({ ...cas, expected: bytes("2"), deleteOnMatch: true });
  assertEquals(await group.write([gone]), [OK]);
  assertEquals(await group.value("k"), undefined);
  assertEquals(group.machine.figures().map(({ keys, bytes }) => [keys, bytes]), [[0, 0], [0, 0]]);
  await group.close();
});

Deno.test("apply() leaves a value alone that an append would make too large", async () => {
  const group = await servingGroup();
  const key = bytes("k");
  const limit = { valueBytesMax: 3 };
  assertEquals(await group.write([write({ key, value: bytes("abc") })], limit), [OK]);
  const append = write({ op: WRITE_OP_APPEND, key, value: bytes("d") });
  assertEquals(await group.write([append], limit), [VALUE_TOO_LARGE]);
  assertEquals(await group.write([write({ key, value: bytes("abcd") })], limit), [VALUE_TOO_LARGE]);
  assertEquals(await group.value("k"), "abc");
  await group.close();
});

Deno.test("apply() answers a repeated write with its first result, also after a restart", async () => {
  const group = await servingGroup();
  const append = write({ op: WRITE_OP_APPEND, key: bytes("k"), value: bytes("x"), sequence: 1 });
  const remove = write({ op: WRITE_OP_DELETE, key: bytes("none"), sequence: 2 });
  const session = { clientId: "18446744073709551615", lowestUnanswered: 1 };
  assertEquals(await group.write([append, remove], session), [OK, NO_KEY]);
  assertEquals(await group.write([remove, append], session), [NO_KEY, OK]);
  await group.restart();
  assertEquals(await group.write([append, remove], session), [OK, NO_KEY]);
  assertEquals(await group.value("k"), "x");
  assertEquals(await group.write([append], { ...session, lowestUnanswered: 2 }), [STALE_SEQUENCE]);
  await group.close();
});

Deno.test("apply() of a repeated compare-and-set answers anew if the value was too large to remember", async () => {
  const group = await servingGroup();
  const key = bytes("k");
  const large = bytes("l".repeat(2_000));
  const session = { clientId: "9", lowestUnanswered: 1 };
  const cas = write({ op: WRITE_OP_CAS, key, expected: bytes("a"), value: bytes("b") });
  const repeated = async () => {
    const [reply] = await group.apply(writes([cas], session));
    assert(reply?.kind === "writes");
    return reply.results.map(({ code, value, hasValue }) => [code, `${value}`, hasValue]);
  };
  const { RESULT_MISMATCH: MISMATCH } = ResultCode;
  await group.write([write({ key, value: large })]);
  assertEquals(await repeated(), [[MISMATCH, `${large}`, true]]);
  await group.write([write({ key, value: bytes("now") })]);
  await group.restart();
  assertEquals(await repeated(), [[MISMATCH, "now", true]], "what is there now is as true");
  await group.write([write({ op: WRITE_OP_DELETE, key })]);
  assertEquals(await repeated(), [[MISMATCH, "", false]]);
  await group.write([write({ key, value: bytes("a") })]);
  assertEquals(await repeated(), [[STALE_SEQUENCE, "", false]], "the client may have its answer");
  assertEquals(await group.value("k"), "a");
  await group.close();
});

Deno.test("apply() forgets a session only after an hour of log time", async () => {
  const group = await servingGroup();
  const append = write({ op: WRITE_OP_APPEND, key: bytes("k"), value: bytes("x") });
  const session = { clientId: "7", lowestUnanswered: 1 };
  await group.write([append], session);
  group.timeMs += SESSION_TTL_MS - 1;
  await group.write([append], session);
  assertEquals(await group.value("k"), "x");
  group.timeMs -= SESSION_TTL_MS / 2;
  await group.write([append], session);
  assertEquals(await group.value("k"), "x", "log time does not go back");
  group.timeMs += 2 * SESSION_TTL_MS;
  await group.write([append], session);
  assertEquals(await group.value("k"), "xx");
  await group.close();
});

Deno.test("apply() forgets no session of a shard that is leaving, since its copy has it too", async () => {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100], [200]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  const append = write({ op: WRITE_OP_APPEND, key: bytes("k"), value: bytes("x") });
  await group.write([append], { clientId: "7" });
  await group.config(two);
  group.timeMs += 2 * SESSION_TTL_MS;
  await group.write([append], { clientId: "7" });
  assertEquals(await group.value("k"), "x");
  await group.close();
});

Deno.test("apply() answers nonsense without changing anything", async () => {
  const group = await servingGroup();
  const [reply] = await group.apply(Buffer.from([0xff, 0xff, 0xff]));
  assertEquals(reply?.kind, "invalid");
  const codes = await group.write([
    write({ key: bytes("") }),
    write({ key: Buffer.alloc(4097) }),
    write({ key: bytes("k"), op: 99 as WriteOp }),
    write({ key: bytes("k"), value: bytes("v") }),
  ]);
  assertEquals(codes, [INVALID, INVALID, INVALID, OK]);
  await group.close();
});

Deno.test("apply() refuses writes before the first configuration", async () => {
  const group = new MachineHarness(100);
  assertEquals(await group.write([write({ key: bytes("k") })]), [WRONG_GROUP]);
  await group.close();
});

Deno.test("load() finds appends as they were, not doubled", async () => {
  const group = await servingGroup();
  for (const [i, letter] of ["a", "b", "c"].entries()) {
    const append = { op: WRITE_OP_APPEND, key: bytes("k"), value: bytes(letter), sequence: i };
    await group.write([write(append)], { clientId: "9" });
    await group.restart();
  }
  assertEquals(await group.value("k"), "abc");
  await group.close();
});

Deno.test("load() finds all shards and all sessions, however many there are", async () => {
  const shards = 300;
  const group = new MachineHarness(100);
  const [one] = configChain(new Array(shards).fill(100));
  assert(one !== undefined);
  await group.config(one);
  const key = keyIn(shards - 1, shards);
  const append = write({ op: WRITE_OP_APPEND, key: bytes(key), value: bytes("x") });
  const appendAll = async () => {
    for (let id = 1; id <= 300; id++) await group.write([append], { clientId: String(id) });
  };
  await appendAll();
  await group.restart();
  assertEquals(Object.keys(group.statuses()).length, shards);
  await appendAll();
  assertEquals(await group.value(key), "x".repeat(300));
  await group.close();
});

Deno.test("apply() takes writes to a shard that begins in the same batch", async () => {
  const group = new MachineHarness(100);
  const [one] = configChain([100]);
  assert(one !== undefined);
  const put = writes([write({ key: bytes("k"), value: bytes("v") })]);
  const [, reply] = await group.apply(encodeConfigStep(one), put);
  assert(reply?.kind === "writes");
  assertEquals(reply.results[0]?.code, OK);
  assertEquals(await group.value("k"), "v");
  await group.close();
});

Deno.test("apply() gives a shard that is lost and gained in one batch a new, empty stay", async () => {
  const group = new MachineHarness(100);
  const [one, two, three] = configChain([100], [200], [100]);
  assert(one !== undefined && two !== undefined && three !== undefined);
  await group.config(one);
  await group.write([write({ key: bytes("k"), value: bytes("old") })]);
  const put = writes([write({ key: bytes("k"), value: bytes("new") })]);
  await group.apply(
    encodeConfigStep(two),
    encodeFreeze({ configNum: 2, shard: 0 }),
    encodeDrop({ configNum: 2, shard: 0 }),
    encodeConfigStep(three),
    put,
  );
  assertEquals(group.statuses(), { 0: "Pulling" });
  assertEquals(await group.value("k"), undefined);
  assertEquals(group.machine.ownership.garbage, [{ shard: 0, incarnation: 1 }]);
  await group.restart();
  assertEquals(group.statuses(), { 0: "Pulling" });
  assertEquals(group.machine.ownership.garbage, [{ shard: 0, incarnation: 1 }]);
  await group.close();
});

Deno.test("apply() writes to a stay that begins in the batch, not to the one that ends in it", async () => {
  const group = new MachineHarness(100);
  const [one, two, three] = configChain([100, 100], [100, 200], [100, 100]);
  assert(one !== undefined && two !== undefined && three !== undefined);
  const key = keyIn(1, 2);
  await group.config(one);
  await group.write([write({ key: bytes(key), value: bytes("old") })]);
  await group.config(two);
  await group.freeze(2, 1);
  const cursor = changeCursor(0);
  const chunk = { configNum: 3, shard: 1, records: [], cursorAfter: cursor };
  await group.apply(
    encodeDrop({ configNum: 2, shard: 1 }),
    encodeConfigStep(three),
    encodeInsert({ ...chunk, cursorBefore: Buffer.alloc(0), done: false }),
    encodeInsert({ ...chunk, cursorBefore: cursor, done: true }),
    writes([write({ key: bytes(key), value: bytes("new") })]),
  );
  assertEquals(await group.value(key), "new");
  await group.close();
});

Deno.test("figures() count keys and bytes of each shard exactly", async () => {
  const group = await servingGroup();
  const a = keyIn(0, 2);
  const b = keyIn(1, 2);
  await group.write([
    write({ key: bytes(a), value: bytes("12345") }),
    write({ key: bytes(b), value: bytes("1") }),
    write({ op: WRITE_OP_APPEND, key: bytes(b), value: bytes("23") }),
    write({ key: bytes(a), value: bytes("1") }),
  ]);
  const expected = [
    { shard: 0, status: "Serving", keys: 1, bytes: a.length + 1, changes: 0 },
    { shard: 1, status: "Serving", keys: 1, bytes: b.length + 3, changes: 0 },
  ];
  assertEquals(group.machine.figures(), expected);
  await group.restart();
  assertEquals(group.machine.figures(), expected);
  await group.close();
});
