/** What becomes of a scan during which its shards or the leadership go away. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { KvError } from "../../rpc/errors.ts";
import { SCAN_BYTES_MAX } from "../limits.ts";
import { bytes, configChain, MachineHarness, write } from "../testing/machine_harness.ts";
import { FakeLog } from "../testing/service_harness.ts";
import { ReadBudget } from "./read_budget.ts";
import { scanPage } from "./scan.ts";

/** The code with which a scan of shard 1 ends if something happens before it finds its keys gone. */
async function refusalWhile(
  happens: (group: MachineHarness, log: FakeLog) => Promise<unknown>,
): Promise<string> {
  const group = new MachineHarness(100);
  const [one, two] = configChain([100, 100], [100, 200]);
  assert(one !== undefined && two !== undefined);
  await group.config(one);
  await group.config(two);
  const log = new FakeLog(group);
  const scan = async () => {
    await happens(group, log);
    return [];
  };
  const reader: MachineReader = Object.create(group.reader, { scan: { value: scan } });
  Object.defineProperty(log, "reader", { value: reader });
  const context = { log, machine: group.machine, reads: new ReadBudget(), gid: 100 };
  const none = Buffer.alloc(0);
  const request = { shards: [1], start: none, end: none, limit: 10, keysOnly: true };
  const caller = { signal: new AbortController().signal };
  const error = await assertRejects(() => scanPage(context, request, caller), KvError);
  await group.close();
  return error.code;
}

Deno.test("scanPage() takes no shard for empty that was dropped and cleared meanwhile", async () => {
  const code = await refusalWhile(async (group) => {
    await group.freeze(2, 1);
    await group.drop(2, 1);
  });
  assertEquals(code, "WRONG_GROUP");
});

Deno.test("scanPage() answers nothing once it leads in another term", async () => {
  const code = await refusalWhile((_, log) => {
    const status = log.status();
    log.status = () => ({ ...status, term: status.term + 1 });
    return Promise.resolve();
  });
  assertEquals(code, "NOT_LEADER");
});

/** Shards of one group: many small pairs, and behind them large ones, for which `z` stands. */
async function unevenGroup(shards: number, large: readonly string[]): Promise<MachineHarness> {
  const group = new MachineHarness(100);
  const [one] = configChain(new Array(shards).fill(100));
  assert(one !== undefined);
  await group.config(one);
  const put = (key: string, value: Buffer) => write({ key: bytes(key), value });
  await group.write(Array.from({ length: 1_000 }, (_, i) => put(`a${i}`, bytes("x"))));
  for (const key of large) await group.write([put(key, Buffer.alloc(64 << 10))]);
  return group;
}

for (const keysOnly of [false, true]) {
  Deno.test(`scanPage() reads a few large values at a time, with keysOnly ${keysOnly}`, async () => {
    const large = Array.from({ length: 100 }, (_, i) => `z${100 + i}`);
    const group = await unevenGroup(4, large);
    const log = new FakeLog(group);
    const reads: number[] = [];
    const scan: MachineReader["scan"] = async (...args) => {
      const pairs = await group.reader.scan(...args);
      reads.push(pairs.reduce((sum, { value }) => sum + value.length, 0));
      return pairs;
    };
    const reader: MachineReader = Object.create(group.reader, { scan: { value: scan } });
    Object.defineProperty(log, "reader", { value: reader });
    const context = { log, machine: group.machine, reads: new ReadBudget(), gid: 100 };
    const caller = { signal: new AbortController().signal };
    const keys: string[] = [];
    let more = true;
    while (more) {
      const start = bytes(keys.length === 0 ? "z" : `${keys.at(-1)}\0`);
      const request = { shards: [0, 1, 2, 3], start, end: bytes("{"), limit: 0, keysOnly };
      const from = reads.length;
      const page = await scanPage(context, request, caller);
      const read = reads.slice(from).reduce((sum, each) => sum + each, 0);
      assert(keysOnly || read <= 3 * SCAN_BYTES_MAX, `${read} bytes are read for a page`);
      keys.push(...page.pairs.map(({ key }) => `${key}`));
      more = page.more;
    }
    assertEquals(keys, large);
    const largest = Math.max(...reads);
    assert(largest <= SCAN_BYTES_MAX / 4, `${largest} bytes are read at once`);
    await group.close();
  });
}
