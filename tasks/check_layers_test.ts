import { assertEquals, assertMatch } from "@std/assert";
import { findings, sourceFiles } from "./check_layers.ts";
import { findCycles } from "./layers/cycles.ts";
import { CORE_MAY_IMPORT, forbiddenBecause, roomOf } from "./layers/rules.ts";
import { MACHINE_FILES, patternOf, PURE_FILES } from "./lint/files.ts";

Deno.test("roomOf() tells the core, its driver and its tests apart", () => {
  assertEquals(roomOf("raft/raw_node.ts"), "raft");
  assertEquals(roomOf("raft/node/raft_node.ts"), "raft/node");
  assertEquals(roomOf("raft/raw_node_test.ts"), "tests");
  assertEquals(roomOf("raft/testing/network.ts"), "tests");
  assertEquals(roomOf("rpc/carrier_conformance.ts"), "tests");
  assertEquals(roomOf("shardctrler/configuration/shard_hash.ts"), "shardctrler/configuration");
  assertEquals(roomOf("shardctrler/service/query.ts"), "shardctrler");
  assertEquals(roomOf("README.md"), undefined);
});

Deno.test("forbiddenBecause() lets imports go down and never up", () => {
  const allowed = [
    ["raft/raw_node.ts", "raft/types.ts"],
    ["raft/raw_node.ts", "runtime/prng.ts"],
    ["raft/node/raft_node.ts", "raft/raw_node.ts"],
    ["raft/node/raft_node.ts", "npm:rocksdb@5.2.1"],
    ["client/calls/routing.ts", "shardctrler/configuration/config.ts"],
    ["shardkv/main.ts", "client/ctrler_clerk.ts"],
    ["dashboard/main.ts", "dashboard/gen/assets.ts"],
    ["dashboard/web/main.tsx", "dashboard/api.ts"],
    ["dashboard/web/page_state.ts", "runtime/clock.ts"],
    ["tests/e2e/a_test.ts", "tasks/cluster/layout.ts"],
  ] as const;
  for (const [from, to] of allowed) assertEquals(forbiddenBecause(from, to), undefined, from + to);
  const forbidden = [
    ["raft/raw_node.ts", "runtime/clock.ts"],
    ["raft/raw_node.ts", "npm:@grpc/grpc-js@1.14.7"],
    ["raft/raw_node.ts", "node:buffer"],
    ["raft/raw_node.ts", "proto/gen/raft.ts"],
    ["runtime/clock.ts", "rpc/errors.ts"],
    ["storage/engine.ts", "rpc/errors.ts"],
    ["client/calls/routing.ts", "shardctrler/service/query.ts"],
    ["shardctrler/main.ts", "client/ctrler_clerk.ts"],
    ["shardkv/main.ts", "tests/e2e/cluster_harness.ts"],
    ["client/kv_clerk.ts", "tasks/cluster.ts"],
    ["dashboard/web/problems.ts", "client/cli/ctrler_cli_args.ts"],
    ["dashboard/web/main.tsx", "dashboard/main.ts"],
    ["dashboard/main.ts", "dashboard/web/main.tsx"],
  ] as const;
  for (const [from, to] of forbidden) {
    assertMatch(forbiddenBecause(from, to) ?? "", /may import only/, `${from} ${to}`);
  }
});

Deno.test("findCycles() finds a ring once and passes over types", () => {
  const edge = (from: string, to: string, typeOnly = false) => ({ from, to, line: 1, typeOnly });
  assertEquals(findCycles([edge("a", "b"), edge("b", "c"), edge("c", "b")]), [["b", "c"]]);
  assertEquals(findCycles([edge("a", "b"), edge("b", "a", true)]), []);
});

Deno.test("findings() names the file, the line and what to do", () => {
  const [line] = findings([
    { from: "raft/raw_node.ts", to: "runtime/clock.ts", line: 7, typeOnly: true },
  ]);
  assertMatch(
    line ?? "",
    /^raft\/raw_node\.ts:7: imports runtime\/clock\.ts; raft may import .*: move/,
  );
});

Deno.test("Every file that a rule lists exists", async () => {
  const root = await Deno.realPath(`${import.meta.dirname}/..`);
  const files = (await sourceFiles(root)).map((path) => `/${path}`);
  const listed = [...PURE_FILES, ...MACHINE_FILES, ...CORE_MAY_IMPORT];
  const missing = listed.filter((name) => !files.some((path) => patternOf(name).test(path)));
  assertEquals(missing, []);
});
