import { assertEquals } from "@std/assert";
import { localRecords } from "./local_records.ts";
import { garbageKey, groupKey, sessionKey, shardKey, userKey } from "./machine_keys.ts";

Deno.test("localRecords() tells garbage and the records it names from all others", () => {
  const gone = { shard: 3, incarnation: 2 };
  const here = { shard: 3, incarnation: 5 };
  const keys: [string, Buffer][] = [
    ["configuration", groupKey("config")],
    ["shard", shardKey(3)],
    ["garbage", garbageKey(gone)],
    ["a session that is gone", sessionKey(gone, "7")],
    ["a value that is gone", userKey(gone, Buffer.from("k"))],
    ["a session", sessionKey(here, "7")],
    ["a value", userKey(here, Buffer.from("k"))],
  ];
  assertEquals(keys.map(([, key]) => key).toSorted(Buffer.compare), keys.map(([, key]) => key));
  const isLocal = localRecords();
  assertEquals(keys.filter(([, key]) => isLocal(key)).map(([name]) => name), [
    "garbage",
    "a session that is gone",
    "a value that is gone",
  ]);
  assertEquals(localRecords()(userKey(gone, Buffer.from("k"))), false);
});
