import { assertEquals, assertRejects } from "@std/assert";
import { ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { unary } from "../../rpc/service.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { ReplicaCaller } from "./replica_caller.ts";

const { dropShard } = ShardTransferServiceService;
const REQUEST = { storeId: "0", gid: 100, configNum: 7, shard: 1 };

/** Calls a group whose only server is at `new:1`. */
async function callGroup(
  servers: readonly string[],
  newest: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  const asked: string[] = [];
  network.serve("new:1", [
    unary(dropShard, () => {
      asked.push("new:1");
      return Promise.resolve({});
    }),
  ]);
  const caller = new ReplicaCaller({
    servers,
    newest,
    dialer: network.dialer(),
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  await clock.resolve(caller.call(dropShard, REQUEST), 60_000);
  return asked;
}

Deno.test("ReplicaCaller finds a group all of whose servers have been replaced", async () => {
  const asked = await callGroup(["old:1", "old:2"], () => Promise.resolve(["new:1"]));
  assertEquals(asked, ["new:1"]);
});

Deno.test("ReplicaCaller finds a group although it was told of no server", async () => {
  assertEquals(await callGroup([], () => Promise.resolve(["new:1"])), ["new:1"]);
});

Deno.test("ReplicaCaller goes on with the servers it knows while nobody tells it newer ones", async () => {
  let asked = 0;
  const unavailable = () => {
    asked++;
    return Promise.reject(new KvError("UNAVAILABLE", "No controller answers"));
  };
  assertEquals(await callGroup(["old:1", "new:1"], unavailable), ["new:1"]);
  assertEquals(asked, 0, "It asks only once all servers have failed");
  const gone = () => Promise.resolve([]);
  assertEquals(await callGroup(["old:1", "old:2", "new:1"], gone), ["new:1"]);
});

Deno.test("ReplicaCaller.call() gives up when nobody knows a server", async () => {
  await assertRejects(
    () => callGroup([], () => Promise.resolve([])),
    KvError,
    "the group has no known server",
  );
});
