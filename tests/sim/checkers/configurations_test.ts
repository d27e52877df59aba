import { assertTrips, configOf, FakeNode, storedConfig } from "./checker_testing.ts";
import { checkStep, ConfigurationChecker, plainConfig } from "./configurations.ts";

function keyOf(num: number): Buffer {
  const key = Buffer.alloc(9);
  key[0] = 0x02;
  key.writeBigUInt64BE(BigInt(num), 1);
  return key;
}

function stateOf(configNum: number): Buffer {
  return Buffer.from(JSON.stringify({ configNum, timeMs: 0 }));
}

function controllerWith(id: number, configs: readonly Buffer[]): FakeNode {
  const node = new FakeNode(id, { gid: 0 });
  for (const [num, bytes] of configs.entries()) {
    if (bytes.length > 0) node.put(keyOf(num), bytes);
  }
  node.latest = configOf(configs.length - 1, []);
  node.put(Buffer.of(0x01), stateOf(configs.length - 1));
  return node;
}

const empty = storedConfig(0, [0, 0, 0, 0], []);
const joined = storedConfig(1, [1, 1, 1, 1], [1]);
const balanced = storedConfig(2, [1, 1, 2, 2], [1, 2]);

Deno.test("Item 25 trips on a history with a gap, and on one that differs between replicas", () => {
  const checker = new ConfigurationChecker();
  checker.appliedTo(controllerWith(1, [empty, joined, balanced]).view);
  checker.appliedTo(controllerWith(2, [empty, joined, balanced]).view);
  assertTrips("configurations", () => {
    checker.appliedTo(controllerWith(3, [empty, Buffer.alloc(0), balanced]).view);
  });
  assertTrips("configurations", () => {
    checker.appliedTo(controllerWith(3, [empty, storedConfig(1, [1, 1, 1, 1], [1, 2])]).view);
  });
});

Deno.test("Item 25 trips on a history that is rewritten later", () => {
  const checker = new ConfigurationChecker();
  const node = controllerWith(1, [empty, joined]);
  checker.appliedTo(node.view);
  node.put(keyOf(1), balanced);
  assertTrips("configurations", () => {
    checker.ended({ nodes: [node.view] });
  });
});

Deno.test("Item 25 trips on a controller that in the end knows what it has not stored", () => {
  const node = controllerWith(1, [empty, joined]);
  node.put(Buffer.of(0x01), stateOf(0));
  const checker = new ConfigurationChecker();
  checker.appliedTo(node.view);
  assertTrips("configurations", () => checker.ended({ nodes: [node.view] }));
});

/** From one assignment to the next; shards on groups that are there. */
function go(
  [fromShards, fromGids]: readonly [readonly number[], readonly number[]],
  [toShards, toGids]: readonly [readonly number[], readonly number[]],
): void {
  const before = plainConfig(storedConfig(1, fromShards, fromGids));
  checkStep(before, plainConfig(storedConfig(2, toShards, toGids)));
}

Deno.test("Item 25 trips on a configuration of another store", () => {
  const after = plainConfig(storedConfig(2, [1, 1, 2, 2], [1, 2], "8"));
  assertTrips("configurations", () => checkStep(plainConfig(joined), after));
});

Deno.test("Item 25 trips on a shard of a group that is not there", () => {
  const start = [[1, 1, 1, 1], [1]] as const;
  assertTrips("configurations", () => go(start, [[1, 1, 3, 3], [1, 2]]));
});

Deno.test("Item 25 trips on joins and leaves that do not balance, or move too much", () => {
  const one = [[1, 1, 1, 1], [1]] as const;
  go(one, [[1, 1, 2, 2], [1, 2]]);
  assertTrips("configurations", () => go(one, [[1, 1, 1, 2], [1, 2]]));
  assertTrips("configurations", () => go(one, [[1, 1, 2, 0], [1, 2]]));
  const two = [[1, 1, 2, 2], [1, 2]] as const;
  go(two, [[1, 1, 2, 3], [1, 2, 3]]);
  assertTrips("configurations", () => go(two, [[1, 2, 1, 3], [1, 2, 3]]));
  go(two, [[2, 2, 2, 2], [2]]);
  go(two, [[0, 0, 0, 0], []]);
});

Deno.test("Item 25 trips on more than one shard moved by hand", () => {
  const two = [[1, 1, 2, 2], [1, 2]] as const;
  go(two, [[2, 1, 2, 2], [1, 2]]);
  assertTrips("configurations", () => go(two, [[2, 2, 1, 2], [1, 2]]));
});
