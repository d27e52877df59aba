/** A shard on the move whose nodes are restarted: what is stored of it is all that they know. */
import { assert, assertEquals } from "@std/assert";
import { ResultCode, WriteOp } from "../../proto/gen/shardkv.ts";
import { SESSION_TTL_MS } from "../../rpc/retry.ts";
import { CHANGE_LOG_BYTES_MAX } from "../limits.ts";
import {
  bytes,
  configChain,
  insertOf,
  keyIn,
  MachineHarness,
  write,
} from "../testing/machine_harness.ts";
import { shardKey } from "./machine_keys.ts";
import { decodeShard, encodeShard } from "./shard_record.ts";

const { RESULT_OK: OK, RESULT_WRONG_GROUP: WRONG_GROUP, RESULT_NOT_READY: NOT_READY } = ResultCode;
const KEY = "key";
const put = (key: string, value: string) => write({ key: bytes(key), value: bytes(value) });
const append = (sequence: number) =>
  write({ op: WriteOp.WRITE_OP_APPEND, key: bytes(KEY), value: bytes(`${sequence}`), sequence });
const SESSION = { clientId: "7", lowestUnanswered: 1 };

/** All that a group has stored, and what it knows. */
async function knowledgeOf({ reader, machine }: MachineHarness) {
  const pairs = await reader.scan(Buffer.of(0), Buffer.of(0xff));
  const records = pairs.map(({ key, value }) => [key.toString("hex"), value.toString("hex")]);
  return { records, figures: machine.figures(), ownership: machine.ownership };
}

/** Takes the next chunk in. */
async function take(
  source: MachineHarness,
  gainer: MachineHarness,
  configNum: number,
): Promise<string> {
  const cursor = gainer.machine.cursorOf(0) ?? Buffer.alloc(0);
  const chunk = await source.chunkAfter(configNum, 0, cursor, 60);
  const outcome = await gainer.insert(insertOf(configNum, 0, cursor, chunk));
  return `${outcome} ${chunk.records.length} ${chunk.ended} ${chunk.done}`;
}

/**
 * The only shard goes from group 100 to group 200, to nobody, and back to 100, while it is written
 * and time passes.
 *
 * @returns After each step: what it answered, and what both groups know
 */
async function journey(afterStep: (group: MachineHarness) => Promise<void>): Promise<unknown[]> {
  const a = new MachineHarness(100);
  const b = new MachineHarness(200);
  const configs = configChain([100], [200], [0], [100]);
  const enter = (num: number) => async () => {
    const config = configs[num - 1];
    assert(config !== undefined);
    return [await a.config(config), await b.config(config)];
  };
  const hours = (count: number) => {
    for (const group of [a, b]) group.timeMs += count * SESSION_TTL_MS;
    return Promise.resolve(count);
  };
  const both = () => Promise.all([a.write([append(1)], SESSION), b.write([append(1)], SESSION)]);
  const steps: readonly (() => Promise<unknown>)[] = [
    enter(1),
    () => a.write([put("other", "")], { clientId: "8" }),
    () => hours(1),
    () => a.write([append(1)], SESSION),
    () => a.write(Array.from({ length: 5 }, (_, i) => put(`${i}`, "some value"))),
    enter(2),
    both,
    () => take(a, b, 2),
    () => a.write([append(2), append(3)], SESSION),
    () => take(a, b, 2),
    () => a.write([write({ op: WriteOp.WRITE_OP_DELETE, key: bytes("0") })]),
    ...new Array(4).fill(() => take(a, b, 2)),
    () => a.write([put("1", "a change")]),
    () => a.freeze(2, 0),
    // Whoever waits for long finds the first answers all the same.
    () => hours(3),
    both,
    enter(3),
    () => a.freeze(2, 0),
    () => take(a, b, 2),
    () => take(a, b, 2),
    both,
    () => a.drop(2, 0),
    () => a.drop(2, 0),
    () => b.write([append(4)], SESSION),
    () => b.settle(2, 0),
    enter(3),
    () => hours(3),
    both,
    enter(4),
    both,
    ...new Array(6).fill(() => take(b, a, 4)),
    () => b.drop(4, 0),
    // The source is long in telling that it has forgotten the shard.
    () => a.write([append(4), append(2), append(5)], SESSION),
    () => hours(2),
    () => a.write([put("1", "")]),
    () => a.settle(4, 0),
    () => a.value(KEY),
  ];
  const seen: unknown[] = [];
  for (const step of steps) {
    const answer = await step();
    seen.push([answer, ...await Promise.all([knowledgeOf(a), knowledgeOf(b)])]);
    for (const group of [a, b]) await afterStep(group);
  }
  await a.close();
  await b.close();
  return seen;
}

Deno.test("a shard on the move fares the same if all nodes are restarted after each step", async () => {
  const straight = await journey(() => Promise.resolve());
  const restarted = await journey((group) => group.restart());
  straight.forEach((step, i) => assertEquals(restarted[i], step, `Step ${i}`));
  assertEquals((straight.at(-1) as unknown[])[0], "12345", "each append once");
});

/** Group 100, which has frozen the only shard, for group 200 or for nobody, and was restarted. */
async function frozen(next: 200 | 0): Promise<MachineHarness> {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100], [next]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  await group.write([put(KEY, "kept")]);
  await group.config(two);
  if (next !== 0) {
    await group.write([put(KEY, "changed")]);
    assertEquals(await group.freeze(2, 0), "done");
  }
  await group.restart();
  return group;
}

for (const next of [200, 0] as const) {
  const whose = next === 0 ? "nobody" : "another group";

  Deno.test(`a shard frozen for ${whose} is neither served nor forgotten after a restart`, async () => {
    const group = await frozen(next);
    const status = next === 0 ? "Frozen" : "BePulling";
    const value = next === 0 ? "kept" : "changed";
    assertEquals(group.statuses(), { 0: status });
    assertEquals(await group.write([put(KEY, "late")]), [WRONG_GROUP]);
    assertEquals([await group.settle(2, 0), await group.value(KEY)], ["refused", value]);
    assertEquals(group.machine.figures().map(({ keys, bytes }) => [keys, bytes]), [
      [1, KEY.length + value.length],
    ]);
    await group.restart();
    assertEquals(group.statuses(), { 0: status });
    await group.close();
  });
}

Deno.test("a shard frozen for nobody that comes back after a restart remembers whom it has answered", async () => {
  const group = new MachineHarness(100);
  const [one, two, three] = configChain([100], [0], [100]);
  assert(one !== undefined && two !== undefined && three !== undefined);
  await group.config(one);
  // More clients than are loaded at a time.
  const clients = Array.from({ length: 600 }, (_, i) => ({ ...SESSION, clientId: `${1 + i}` }));
  for (const client of clients) await group.write([append(1)], client);
  await group.config(two);
  await group.restart();
  await group.config(three);
  for (const client of clients) assertEquals(await group.write([append(1)], client), [OK]);
  assertEquals(await group.value(KEY), "1".repeat(clients.length));
  await group.close();
});

Deno.test("a shard frozen for another group gives its changes and keeps its group back after a restart", async () => {
  const group = await frozen(200);
  const [, , three] = configChain([100], [200], [200]);
  assert(three !== undefined);
  assertEquals(await group.config(three), "notReady");
  const copy = await group.chunkAfter(2, 0, Buffer.alloc(0), 1_000);
  const changes = await group.chunkAfter(2, 0, copy.cursor, 1_000);
  assertEquals(changes.records.map(({ value }) => `${value}`), ["changed"]);
  assertEquals([changes.changes, changes.done], [1, true]);
  assertEquals(await group.drop(2, 0), "done");
  await group.restart();
  assertEquals([group.statuses(), await group.drop(2, 0)], [{}, "already"]);
  assertEquals(group.machine.ownership.garbage, [{ shard: 0, incarnation: 1 }]);
  assertEquals(await group.config(three), "done");
  await group.close();
});

Deno.test("a shard whose change log is full is frozen, for readers too, and stays so after a restart", async () => {
  const group = new MachineHarness(100);
  const configs = configChain([100], [200]);
  for (const config of configs) await group.config(config);
  // A gigabyte of changes.
  const key = Buffer.concat([group.reader.prefix, shardKey(0)]);
  const stored = await group.reader.get(shardKey(0));
  assert(stored !== undefined);
  const value = encodeShard({ ...decodeShard(0, stored), changeBytes: CHANGE_LOG_BYTES_MAX - 1 });
  await group.engine.write([{ type: "put", key, value }], { sync: true });
  await group.restart();
  assertEquals(await group.write([put(KEY, "last")]), [OK]);
  assertEquals(group.machine.ownership.shards.get(0)?.status, "BePulling");
  for (let round = 0; round < 2; round++) {
    assertEquals(await group.write([put(KEY, "late")]), [WRONG_GROUP]);
    assertEquals(group.statuses(), { 0: "BePulling" });
    await group.restart();
  }
  assertEquals(await group.value(KEY), "last");
  await group.close();
});

Deno.test("a shard on its way here is not served after a restart, however much of it has come", async () => {
  const [a, b] = [new MachineHarness(100), new MachineHarness(200)];
  for (const config of configChain([100], [200])) {
    for (const group of [a, b]) await group.config(config);
  }
  await a.write([put(KEY, "v")]);
  while (!(await take(a, b, 2)).includes("true")) await b.restart();
  for (let round = 0; round < 3; round++) {
    assertEquals(b.statuses(), { 0: "Pulling" });
    assertEquals(await b.write([put(KEY, "early")]), [NOT_READY]);
    await b.restart();
    await take(a, b, 2);
  }
  for (const group of [a, b]) await group.close();
});

Deno.test("a client that is forgotten stays so after a restart, though its shard was not written since", async () => {
  const group = new MachineHarness(100);
  for (const config of configChain([100, 100])) await group.config(config);
  const [here, there] = [keyIn(0, 2), keyIn(1, 2)];
  await group.write([put(here, "1")], SESSION);
  group.timeMs += 2 * SESSION_TTL_MS;
  assertEquals(await group.write([put(there, "")]), [OK]);
  const before = await knowledgeOf(group);
  await group.restart();
  assertEquals(await knowledgeOf(group), before);
  const clients = before.records.filter(([key]) => key?.startsWith("0400000000000101"));
  assertEquals(clients, [], "nothing of it is stored");
  await group.close();
});
