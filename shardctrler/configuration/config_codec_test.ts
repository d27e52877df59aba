import { assertEquals, assertThrows } from "@std/assert";
import { Config as ConfigMessage } from "../../proto/gen/shardctrler.ts";
import { decodeConfig, encodeConfig } from "./config_codec.ts";
import { type Config, emptyConfig, isForeign, NO_IDENTITY, NO_STORE } from "./config.ts";

const waiting: Config = {
  storeId: "18446744073709551615",
  num: 7,
  shards: [0, 0, 0],
  groups: new Map(),
  lastOwners: new Map([[0, 100], [2, 100]]),
  departed: new Map([[100, ["localhost:6001", "localhost:6002"]]]),
  identities: new Map([[100, "18446744073709551615"]]),
};
const served: Config = {
  storeId: "7",
  num: 2 ** 40,
  shards: [2147483647, 1, 1],
  groups: new Map([[1, ["a:1"]], [2147483647, ["b:1", "c:1"]]]),
  lastOwners: new Map(),
  departed: new Map(),
  identities: new Map(),
};

Deno.test("decodeConfig() gives back what encodeConfig() was given, over the wire", () => {
  for (const config of [emptyConfig(64), waiting, served]) {
    const bytes = ConfigMessage.encode(encodeConfig(config)).finish();
    assertEquals(decodeConfig(ConfigMessage.decode(bytes)), config);
  }
});

Deno.test("decodeConfig() reads a configuration of before there were store ids", () => {
  const bytes = ConfigMessage.encode(encodeConfig(served)).finish();
  // The id is the last field: a tag and eight bytes.
  const before = bytes.subarray(0, -9);
  assertEquals(decodeConfig(ConfigMessage.decode(before)), { ...served, storeId: NO_STORE });
});

Deno.test("encodeConfig() makes equal bytes of equal configurations", () => {
  const shuffled = { ...served, groups: new Map([...served.groups].reverse()) };
  assertEquals(
    ConfigMessage.encode(encodeConfig(shuffled)).finish(),
    ConfigMessage.encode(encodeConfig(served)).finish(),
  );
});

Deno.test("decodeConfig() refuses configurations that cannot be", () => {
  const cases: [Partial<ConfigMessage>, string][] = [
    [{ num: -1 }, "its number is -1"],
    [{ storeId: "-1" }, "its store is '-1'"],
    [{ storeId: "18446744073709551616" }, "its store is '18446744073709551616'"],
    [{ shards: [] }, "it has 0 shards"],
    [{ shards: [3] }, "shard 0 is on unknown group 3"],
    [{ groups: { 1: { servers: [], identity: NO_IDENTITY } } }, "group 1 has no servers"],
    [{ groups: { [-1]: { servers: ["a:1"], identity: NO_IDENTITY } } }, "it has a group -1"],
    [{ lastOwners: { 0: 9 } }, "shard 0 was last on unknown group 9"],
    [{ lastOwners: { 5: 9 } }, "it names shard 5 of 2"],
    [
      { departed: { 9: { servers: ["a:1"], identity: NO_IDENTITY } } },
      "group 9 left and holds no shard",
    ],
  ];
  for (const [change, problem] of cases) {
    const message = { ...encodeConfig(emptyConfig(2)), ...change };
    assertThrows(() => decodeConfig(message), RangeError, problem);
  }
});

Deno.test("isForeign() compares with the own store, if that has an id", () => {
  assertEquals(isForeign("7", "7"), false);
  assertEquals(isForeign("7", "8"), true);
  assertEquals(isForeign("7", NO_STORE), true);
  assertEquals(isForeign(NO_STORE, "7"), false);
  assertEquals(isForeign(NO_STORE, NO_STORE), false);
});
