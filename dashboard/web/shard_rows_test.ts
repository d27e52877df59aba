import { assertEquals } from "@std/assert";
import { nextSort, parseSort, queryShards, SHARD_COLUMNS } from "./shard_rows.ts";
import { aShard } from "./testdata/views.ts";

const shards = [
  aShard(0, { groupId: 101, keys: 5, bytes: 1, opsPerSecond: 2 }),
  aShard(1, { groupId: 100, keys: 5, bytes: 3, opsPerSecond: 1, state: "Pulling" }),
  aShard(2, { groupId: 101, keys: 1, bytes: 2, opsPerSecond: 3 }),
];

Deno.test("queryShards() sorts by every column, both ways, equals by id", () => {
  const orders = SHARD_COLUMNS.map((column) =>
    [false, true].map((descending) => queryShards(shards, { column, descending }).join(""))
  );
  assertEquals(orders, [
    ["012", "210"],
    ["102", "021"],
    ["102", "021"],
    ["201", "012"],
    ["021", "120"],
    ["102", "201"],
  ]);
});

Deno.test("queryShards() keeps those that fit", () => {
  const order = { column: "shard", descending: false } as const;
  assertEquals(queryShards(shards, { ...order, gid: 101 }), [0, 2]);
  assertEquals(queryShards(shards, { ...order, state: "Pulling" }), [1]);
  assertEquals(queryShards(shards, { ...order, gid: 101, state: "Pulling" }), []);
});

Deno.test("nextSort() begins with what people look for, then turns round", () => {
  const start = parseSort("");
  assertEquals(start, { column: "shard", descending: false });
  assertEquals(nextSort(start, "keys"), "-keys");
  assertEquals(nextSort(parseSort("-keys"), "keys"), "keys");
  assertEquals(nextSort(start, "group"), "group");
  assertEquals(parseSort("-nonsense"), start);
});
