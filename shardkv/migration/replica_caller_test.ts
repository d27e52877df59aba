import { assert, assertEquals, assertRejects } from "@std/assert";
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

/** A group of three whose servers answer as the test says; tells who was asked, and when. */
function threeServers(answer: (address: string, call: number) => Promise<Record<never, never>>) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  const servers = ["a:1", "b:1", "c:1"];
  const asked: string[] = [];
  const times: number[] = [];
  for (const address of servers) {
    network.serve(address, [
      unary(dropShard, () => {
        times.push(clock.now());
        return answer(address, asked.push(address));
      }),
    ]);
  }
  const caller = new ReplicaCaller({
    servers,
    newest: () => Promise.resolve(servers),
    dialer: network.dialer(),
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  const call = () => clock.resolve(caller.call(dropShard, REQUEST), 60_000);
  return { call, asked, times };
}

Deno.test("ReplicaCaller goes to the leader that a replica names, and stays with who answers", async () => {
  const { call, asked } = threeServers((address) =>
    address === "c:1"
      ? Promise.resolve({})
      : Promise.reject(new KvError("NOT_LEADER", "Not here", { leader: "c:1" }))
  );
  await call();
  await call();
  assertEquals(asked, ["a:1", "c:1", "c:1"]);
});

Deno.test("ReplicaCaller goes to the next replica where a leader that has nothing names itself", async () => {
  const { call, asked } = threeServers((address) =>
    address === "b:1"
      ? Promise.resolve({})
      : Promise.reject(new KvError("NOT_READY", "Not yet", { leader: address }))
  );
  await call();
  assertEquals(asked, ["a:1", "b:1"]);
});

Deno.test("ReplicaCaller waits but a moment after the first failure behind an answer", async () => {
  const answered = [10, 12];
  const { call, times } = threeServers((_address, call) =>
    answered.includes(call)
      ? Promise.resolve({})
      : Promise.reject(new KvError("UNAVAILABLE", "Not now"))
  );
  await call();
  const [before = 0, tenth = 0] = times.slice(-2);
  assert(tenth - before > 100, `The last pause was ${tenth - before} ms`);
  await call();
  const [eleventh = 0, twelfth = 0] = times.slice(-2);
  assert(twelfth - eleventh < 50, `The pause was ${twelfth - eleventh} ms`);
});
