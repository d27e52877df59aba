/** What becomes of a read during which its shard goes away, and how much is read at once. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Result, ResultCode } from "../../proto/gen/shardkv.ts";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { KvError } from "../../rpc/errors.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { GET_SLICE_KEYS, READING_KEYS_MAX } from "../limits.ts";
import { changeCursor } from "../machine/machine_keys.ts";
import {
  bytes,
  configChain,
  keyIn,
  MachineHarness,
  nextConfig,
  write,
} from "../testing/machine_harness.ts";
import { FakeLog } from "../testing/service_harness.ts";
import { readKeys } from "./kv_reads.ts";
import { ReadBudget } from "./read_budget.ts";

const STAYS = bytes(keyIn(0, 2));
const LEAVES = bytes(keyIn(1, 2));

/** Group 100, which gives shard 1 to group 200 in configuration 2. Both keys have a value. */
async function source(): Promise<MachineHarness> {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100, 100], [100, 200]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  for (const key of [STAYS, LEAVES]) await group.write([write({ key, value: bytes("v") })]);
  await group.config(two);
  return group;
}

/** Reads the keys; something happens once the values are found, and before they are answered. */
function readWhile(
  group: MachineHarness,
  anyReplica: boolean,
  happens: (log: FakeLog) => Promise<unknown>,
): Promise<Result[]> {
  const log = new FakeLog(group);
  onRead(group, log, () => happens(log));
  const context = { log, machine: group.machine, reads: new ReadBudget() };
  return readKeys(context, { getKeys: [STAYS, LEAVES], anyReplica });
}

/** Something happens whenever values of so many keys are found. */
function onRead(
  group: MachineHarness,
  log: FakeLog,
  happens: (keys: number) => Promise<unknown>,
): void {
  const reader: MachineReader = Object.create(group.reader, {
    getMany: {
      value: async (keys: Buffer[]) => {
        const values = await group.reader.getMany(keys);
        await happens(keys.length);
        return values;
      },
    },
  });
  Object.defineProperty(log, "reader", { value: reader });
}

/** Shard 1 is given back in configuration 3, with nothing in it. */
async function comesBack(group: MachineHarness): Promise<void> {
  await group.config(nextConfig(group.machine.ownership.config, [100, 100]));
  const chunk = { configNum: 3, shard: 1, records: [], cursorAfter: changeCursor(0) };
  await group.insert({ ...chunk, cursorBefore: Buffer.alloc(0), done: false });
  await group.insert({ ...chunk, cursorBefore: changeCursor(0), done: true });
}

function told(results: readonly Result[]): [code: ResultCode, value: string][] {
  return results.map(({ code, value }) => [code, `${value}`]);
}

const { RESULT_OK: OK, RESULT_WRONG_GROUP: WRONG_GROUP } = ResultCode;

for (const anyReplica of [false, true]) {
  const who = anyReplica ? "any replica" : "the leader";

  Deno.test(`readKeys() of ${who} does not tell what a key held whose shard was frozen meanwhile`, async () => {
    const group = await source();
    const results = await readWhile(group, anyReplica, () => group.freeze(2, 1));
    assertEquals(told(results), [[OK, "v"], [WRONG_GROUP, ""]]);
    await group.close();
  });

  Deno.test(`readKeys() of ${who} does not tell what a key held before its shard left and came back`, async () => {
    const group = await source();
    const results = await readWhile(group, anyReplica, async () => {
      await group.freeze(2, 1);
      await group.drop(2, 1);
      await comesBack(group);
    });
    assertEquals(group.statuses(), { 0: "Serving", 1: "GCing" });
    assertEquals(told(results), [[OK, "v"], [WRONG_GROUP, ""]]);
    await group.close();
  });
}

/** Another has led, and this replica again. */
function ledAnew(log: FakeLog): Promise<void> {
  const status = log.status();
  log.status = () => ({ ...status, term: status.term + 1 });
  return Promise.resolve();
}

Deno.test("readKeys() of the leader answers nothing once it leads in another term", async () => {
  const group = await source();
  const error = await assertRejects(() => readWhile(group, false, ledAnew), KvError);
  assertEquals(error.code, "NOT_LEADER");
  await group.close();
});

Deno.test("readKeys() of any replica answers although the leader changes meanwhile", async () => {
  const group = await source();
  const results = await readWhile(group, true, ledAnew);
  assertEquals(told(results), [[OK, "v"], [OK, "v"]]);
  await group.close();
});

Deno.test("readKeys() of many requests at once reads so many keys at a time", async () => {
  const group = await source();
  const log = new FakeLog(group);
  const context = { log, machine: group.machine, reads: new ReadBudget() };
  let now = 0;
  let most = 0;
  onRead(group, log, async (keys) => {
    most = Math.max(most, now += keys);
    await sleep(systemClock, 1);
    now -= keys;
  });
  const getKeys = new Array<Buffer>(2 * GET_SLICE_KEYS).fill(STAYS);
  const all = await Promise.all(
    Array.from({ length: 30 }, () => readKeys(context, { getKeys, anyReplica: false })),
  );
  assertEquals(most, READING_KEYS_MAX);
  for (const results of all) assertEquals(told(results), getKeys.map(() => [OK, "v"]));
  await group.close();
});

Deno.test("readKeys() reads no more large values than a response has room for", async () => {
  const group = await source();
  const key = bytes(keyIn(0, 2, 1));
  await group.write([write({ key, value: Buffer.alloc(1 << 20) })]);
  const log = new FakeLog(group);
  const context = { log, machine: group.machine, reads: new ReadBudget() };
  const getKeys = new Array<Buffer>(5).fill(key);
  await readKeys(context, { getKeys: [key], anyReplica: false });
  const slices: number[] = [];
  onRead(group, log, (keys) => Promise.resolve(slices.push(keys)));
  const results = await readKeys(context, { getKeys, anyReplica: false });
  assertEquals(slices, [3]);
  const { RESULT_NOT_READY: NOT_READY } = ResultCode;
  assertEquals(results.map(({ code }) => code), [OK, OK, OK, NOT_READY, NOT_READY]);
  await group.close();
});
