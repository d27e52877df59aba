/** A group belongs to one store, whatever others say. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ResultCode, ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { unary } from "../../rpc/service.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { type Config, NO_STORE } from "../../shardctrler/configuration/config.ts";
import { DEFAULT_GROUP_LIMITS } from "../limits.ts";
import { encodeConfigStep } from "../machine/commands.ts";
import { bytes, configChain, MachineHarness, write, writes } from "../testing/machine_harness.ts";
import { Arrivals } from "./arrivals.ts";
import { MoveProgress } from "./move_progress.ts";
import { releaseShard } from "./shard_moves.ts";
import { checkGainer } from "./shard_source.ts";

/** The configuration that a chain has under this number, of this store. */
function configOf(storeId: string, chain: readonly Config[], num: number): Config {
  const config = chain[num - 1];
  assert(config?.num === num);
  return { ...config, storeId };
}

Deno.test("applyConfig() takes configurations of the first one's store only, also after a restart", async () => {
  const group = new MachineHarness(100);
  const chain = configChain([100, 100], [100, 200], [100, 100]);
  const first = configOf("7", chain, 1);
  assertEquals(await group.config(first), "done");
  for (let round = 0; round < 2; round++) {
    for (const storeId of ["8", NO_STORE]) {
      for (const num of [1, 2, 3]) {
        assertEquals(await group.config(configOf(storeId, chain, num)), "foreign");
      }
    }
    assertEquals(group.machine.ownership.config, first);
    assertEquals(group.statuses(), { 0: "Serving", 1: "Serving" });
    await group.restart();
  }
  assertEquals(await group.config(configOf("7", chain, 2)), "done");
  await group.close();
});

Deno.test("apply() takes writes behind a configuration of another store and one of its own", async () => {
  const group = new MachineHarness(100);
  const chain = configChain([0], [100]);
  assertEquals(await group.config(configOf("7", chain, 1)), "done");
  const replies = await group.apply(
    encodeConfigStep(configOf("8", configChain([0], [200]), 2)),
    encodeConfigStep(configOf("7", chain, 2)),
    writes([write({ key: bytes("k"), value: bytes("v") })]),
  );
  const outcomes = replies.map((reply) => {
    return reply.kind === "writes"
      ? reply.results[0]?.code
      : reply.kind === "step" && reply.outcome;
  });
  assertEquals(outcomes, ["foreign", "done", ResultCode.RESULT_OK]);
  assertEquals(await group.value("k"), "v");
  await group.close();
});

Deno.test("a group of before there were store ids follows any store until one has an id", async () => {
  const group = new MachineHarness(100);
  const chain = configChain([100], [100], [100], [100]);
  assertEquals(await group.config(configOf(NO_STORE, chain, 1)), "done");
  await group.restart();
  assertEquals(await group.config(configOf(NO_STORE, chain, 2)), "done");
  assertEquals(await group.config(configOf("7", chain, 3)), "done");
  await group.restart();
  assertEquals(await group.config(configOf("8", chain, 4)), "foreign");
  assertEquals(await group.config(configOf("7", chain, 4)), "done");
  await group.close();
});

/**
 * Who is asked to forget a shard of group 200 whose servers are gone, by controllers that name first
 * `other` and later the right group.
 */
async function askedForRelease(own: Config, other: Config): Promise<number[]> {
  const group = new MachineHarness(100);
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock });
  assertEquals(await group.config({ ...own, num: 1 }), "done");
  assertEquals(await group.config({ ...own, num: 2 }), "done");
  let asked = 0;
  network.serve("g200n0", [unary(ShardTransferServiceService.dropShard, () => {
    asked++;
    return Promise.resolve({});
  })]);
  let named = other;
  const dialer = network.dialer();
  const released = releaseShard({
    arrivals: new Arrivals(clock),
    gid: 100,
    machine: group.machine,
    log: {
      propose: () => Promise.resolve({ kind: "step", outcome: "done", configNum: 3 }),
    } as never,
    dialer,
    controllers: { query: () => Promise.resolve(named) },
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    limits: DEFAULT_GROUP_LIMITS,
    progress: new MoveProgress({ machine: group.machine, clock }),
    signal: new AbortController().signal,
  }, { kind: "release", shard: 0, from: 200, servers: ["gone:1"], configNum: 3 });
  await clock.advance(30_000);
  const before = asked;
  named = own;
  await clock.resolve(released, 30_000);
  await dialer.close();
  await group.close();
  return [before, asked];
}

Deno.test("releaseShard() does not look for the last owner in another store", async () => {
  const chain = configChain([200], [200]);
  const [own, other] = [configOf("7", chain, 2), configOf("8", chain, 2)];
  assertEquals(await askedForRelease(own, other), [0, 1]);
});

Deno.test("releaseShard() does not take another group of its number for the last owner", async () => {
  const config = configOf("7", configChain([200], [200]), 2);
  const [own, other] = ["1", "2"].map((id) => ({ ...config, identities: new Map([[200, id]]) }));
  assert(own !== undefined && other !== undefined);
  assertEquals(await askedForRelease(own, other), [0, 1]);
});

Deno.test("checkGainer() lets only the group through that gains the shard, of the same store", () => {
  const chain = configChain([100, 100], [200, 100]);
  const ownership = { config: configOf("7", chain, 2), previous: configOf("7", chain, 1) };
  const request = { storeId: "7", gid: 200, configNum: 2, shard: 0 };
  const refusalOf = (change: Partial<typeof request>): string => {
    const check = () => checkGainer(ownership, { ...request, ...change });
    const { code, message } = assertThrows(check, KvError);
    return `${code}: ${message}`;
  };
  checkGainer(ownership, request);
  checkGainer(ownership, { ...request, gid: 100, configNum: 1 });
  // Of a configuration that is long over nobody knows; nothing of it is left to be given.
  checkGainer(ownership, { ...request, configNum: 0 });
  const foreign = (storeId: string) =>
    `REFUSED: Cannot give shard 0 to group 200 of store ${storeId}: this group is of store 7`;
  for (const storeId of ["8", NO_STORE]) assertEquals(refusalOf({ storeId }), foreign(storeId));
  const notTheirs = (shard: number, gid: number, owner: number, configNum: number) =>
    `REFUSED: Cannot give shard ${shard} to group ${gid}: ` +
    `it is group ${owner}'s in configuration ${configNum}`;
  assertEquals(refusalOf({ gid: 300 }), notTheirs(0, 300, 200, 2));
  assertEquals(refusalOf({ shard: 1 }), notTheirs(1, 200, 100, 2));
  assertEquals(refusalOf({ configNum: 1 }), notTheirs(0, 200, 100, 1));
  assertEquals(refusalOf({ configNum: 3 }).split(":")[0], "NOT_READY");
});
