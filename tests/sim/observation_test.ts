import { assertEquals, assertThrows } from "@std/assert";
import { RaftNode } from "../../raft/node/raft_node.ts";
import { RegisterMachine } from "../../raft/node/testing/register_machine.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { MemoryEngine } from "../../storage/memory_engine.ts";
import { storedTerm } from "./checkers/stored_facts.ts";
import { combineObservers, Violation } from "./observation.ts";

Deno.test("RaftNode tells its observer of rounds, applied entries and what the engine shows", async () => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine();
  const seen: string[] = [];
  const durableWhenApplied: boolean[] = [];
  const node = await RaftNode.open({
    identity: { clusterId: "7", gid: 1, nodeId: 1 },
    members: new Map([[1, "node1:1"]]),
    engine,
    machine: new RegisterMachine(),
    dialer: new MemoryNetwork({ clock }).dialer(),
    clock,
    prng: createPrng(1),
    logger: silentLogger,
    onFatal: (error) => seen.push(String(error)),
    observer: {
      started: (core) => seen.push(`started as ${core.status().role}`),
      roundTaken: ({ entries }) => {
        for (const { index } of entries) {
          seen.push(`took ${index}`);
          durableWhenApplied.push(storedTerm(engine.durable, index) !== undefined);
        }
      },
      entriesApplied: (entries) => {
        for (const { index, replies } of entries) {
          seen.push(`applied ${index} with ${replies.length} replies`);
          durableWhenApplied.push(storedTerm(engine.durable, index) !== undefined);
        }
      },
      appliedTo: (index) => seen.push(`shows ${index}`),
    },
  });
  await clock.advanceUntil(() => node.status().applied === 1, 10_000);
  await clock.resolve(node.propose(Buffer.from("x")), 1_000);
  await clock.resolve(node.stop(), 1_000);
  await engine.close();
  assertEquals(seen, [
    "started as follower",
    "took 1",
    "applied 1 with 0 replies",
    "shows 1",
    "took 2",
    "applied 2 with 1 replies",
    "shows 2",
  ]);
  assertEquals(durableWhenApplied, [false, true, false, true]);
});

Deno.test("combineObservers() tells every observer in order and lets a violation through", () => {
  const seen: string[] = [];
  const all = combineObservers([
    { healed: () => seen.push("first") },
    {},
    {
      healed() {
        seen.push("third");
        throw new Violation("1 election safety", "Two leaders in term 7");
      },
    },
    { healed: () => seen.push("never") },
  ]);
  const error = assertThrows(() => all.healed(), Violation);
  assertEquals(error.item, "1 election safety");
  assertEquals(seen, ["first", "third"]);
});
