/** What becomes of a scan during which its shards or the leadership go away. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { KvError } from "../../rpc/errors.ts";
import { configChain, MachineHarness } from "../testing/machine_harness.ts";
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
