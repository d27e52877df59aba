import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { applyChange } from "./apply_change.ts";
import type { ConfigChange } from "./change.ts";
import { configProblem } from "./config_check.ts";
import { type Config, emptyConfig, type Gid, holderOf, serversOf } from "./config.ts";

function join(...gids: Gid[]): ConfigChange {
  return { kind: "join", groups: new Map(gids.map((gid) => [gid, [`host-${gid}:6001`]])) };
}

function leave(gids: Gid[], force = false): ConfigChange {
  return { kind: "leave", gids, force };
}

function move(shard: number, gid: Gid): ConfigChange {
  return { kind: "move", shard, gid };
}

/** Applies changes that must all make a new configuration. */
function after(config: Config, ...changes: ConfigChange[]): Config {
  return changes.reduce((current, change) => {
    const outcome = applyChange(current, change);
    assert(outcome.kind === "changed", `${JSON.stringify(change)} gave ${outcome.kind}`);
    return outcome.config;
  }, config);
}

function refusalOf(config: Config, change: ConfigChange): string {
  const outcome = applyChange(config, change);
  assert(outcome.kind === "refused", `${JSON.stringify(change)} gave ${outcome.kind}`);
  return `${outcome.refusal.code}: ${outcome.refusal.message}`;
}

const ten = emptyConfig(10);

Deno.test("applyChange() joins groups and spreads the shards", () => {
  const one = after(ten, join(100));
  assertEquals(one.num, 1);
  assertEquals(one.shards, new Array(10).fill(100));
  const two = after(one, join(101));
  assertEquals(two.num, 2);
  assertEquals(two.shards, [101, 101, 101, 101, 101, 100, 100, 100, 100, 100]);
  assertEquals([...two.groups.keys()], [100, 101]);
});

Deno.test("applyChange() lets groups leave and keeps the others' shards where they are", () => {
  const two = after(ten, join(1, 2, 3), leave([2]));
  const before = after(ten, join(1, 2, 3));
  assertEquals([...two.groups.keys()], [1, 3]);
  for (const [shard, gid] of before.shards.entries()) {
    if (gid !== 2) assertEquals(two.shards[shard], gid);
  }
});

Deno.test("applyChange() moves one shard and pins nothing", () => {
  const moved = after(ten, join(1, 2), move(0, 2), move(2, 2));
  assertEquals(moved.shards.filter((gid) => gid === 2).length, 7);
  const joined = after(moved, join(3));
  assertEquals(joined.shards.filter((gid) => gid === 2).length, 4);
});

Deno.test("applyChange() answers a move to the present owner without a new configuration", () => {
  const config = after(ten, join(1, 2));
  assertEquals(applyChange(config, move(0, 1)), { kind: "unchanged", config });
});

Deno.test("applyChange() remembers who holds the shards when the last group leaves by force", () => {
  const empty = after(ten, join(1, 2), leave([2]), leave([1], true));
  assertEquals(empty.shards, new Array(10).fill(0));
  assertEquals(empty.groups.size, 0);
  assertEquals([...empty.departed], [[1, ["host-1:6001"]]]);
  assert(empty.shards.every((_, shard) => holderOf(empty, shard) === 1));
  const claimed = after(empty, join(7));
  assertEquals(claimed.shards, new Array(10).fill(7));
  assertEquals(claimed.lastOwners.size + claimed.departed.size, 0);
});

Deno.test("applyChange() gives a group that joins again the shards it still holds", () => {
  const apart = after(ten, join(1, 2), leave([1, 2], true));
  assertEquals([...apart.departed.keys()], [1, 2]);
  const back = after(apart, join(2, 3));
  for (const shard of back.shards.keys()) {
    if (holderOf(apart, shard) === 2) assertEquals(back.shards[shard], 2);
  }
});

Deno.test("applyChange() does not remember a leaving group that held nothing", () => {
  const idle = after(emptyConfig(1), join(1), join(2), leave([1, 2], true));
  assertEquals([...idle.departed.keys()], [1]);
});

Deno.test("applyChange() refuses what makes no sense, with a reason", () => {
  const config = after(ten, join(100, 101));
  const servers = (...list: string[]): ConfigChange => ({
    kind: "join",
    groups: new Map([[7, list]]),
  });
  const cases: [ConfigChange, string][] = [
    [join(), "INVALID_ARGUMENT: Cannot join: no group is given"],
    [
      join(0),
      "INVALID_ARGUMENT: Cannot join group 0: a group id must be an integer in 1..2147483647",
    ],
    [
      join(-1),
      "INVALID_ARGUMENT: Cannot join group -1: a group id must be an integer in 1..2147483647",
    ],
    [
      join(2 ** 31),
      "INVALID_ARGUMENT: Cannot join group 2147483648: " +
      "a group id must be an integer in 1..2147483647",
    ],
    [join(100), "ALREADY_EXISTS: Cannot join group 100: it is part of the cluster"],
    [join(5, 100), "ALREADY_EXISTS: Cannot join group 100: it is part of the cluster"],
    [servers(), "INVALID_ARGUMENT: Cannot join group 7: it has no servers"],
    [
      servers(""),
      'INVALID_ARGUMENT: Cannot join group 7 with address "": ' +
      "it must be host:port, like localhost:50051",
    ],
    [
      servers("nonsense"),
      'INVALID_ARGUMENT: Cannot join group 7 with address "nonsense": ' +
      "it must be host:port, like localhost:50051",
    ],
    [
      servers("a:0"),
      'INVALID_ARGUMENT: Cannot join group 7 with address "a:0": the port must be 1 to 65535, not 0',
    ],
    [
      servers(`${"x".repeat(300)}:1`),
      "INVALID_ARGUMENT: Cannot join group 7: the address xxxxxxxxxxxxxxxxxxxx... " +
      "has 302 characters, at most 259 are allowed",
    ],
    [
      servers("[::1]:6001", "[::1]:06001"),
      "INVALID_ARGUMENT: Cannot join group 7: the address [::1]:06001 is given twice",
    ],
    [
      servers("a:1", "A:1"),
      "INVALID_ARGUMENT: Cannot join group 7: the address A:1 is given twice",
    ],
    [
      servers("HOST-100:6001"),
      "ALREADY_EXISTS: Cannot join group 7: the address HOST-100:6001 belongs to group 100",
    ],
    [
      servers(..."abcdefghij".split("").map((name) => `${name}:1`)),
      "INVALID_ARGUMENT: Cannot join group 7: it has 10 servers, at most 9 are allowed",
    ],
    [
      { kind: "join", groups: new Map([[7, ["a:1"]], [8, ["a:1"]]]) },
      "INVALID_ARGUMENT: Cannot join group 8: the address a:1 is given to group 7 too",
    ],
    [
      join(...Array.from({ length: 1023 }, (_, i) => 1000 + i)),
      "REFUSED: Cannot join: the cluster would have 1025 groups, at most 1024 are allowed",
    ],
    [leave([]), "INVALID_ARGUMENT: Cannot leave: no group is given"],
    [leave([999]), "NOT_FOUND: Cannot leave group 999: it is not part of the cluster"],
    [leave([100, 100]), "INVALID_ARGUMENT: Cannot leave group 100: it is given twice"],
    [
      leave([0]),
      "INVALID_ARGUMENT: Cannot leave group 0: a group id must be an integer in 1..2147483647",
    ],
    [
      leave([100, 101]),
      "REFUSED: Cannot leave the last group: nobody would serve the 10 shards; " +
      "use force to do it all the same",
    ],
    [move(10, 100), "INVALID_ARGUMENT: Cannot move shard 10: the cluster has shards 0..9"],
    [
      move(-1, 100),
      "INVALID_ARGUMENT: Cannot move shard -1: a shard must be an integer of 0 or more",
    ],
    [
      move(0, 999),
      "NOT_FOUND: Cannot move shard 0 to group 999: it is not part of the cluster",
    ],
  ];
  for (const [change, reason] of cases) assertEquals(refusalOf(config, change), reason);
});

Deno.test("applyChange() joins as many groups as there may be, and not one more", () => {
  const full = after(ten, join(...Array.from({ length: 1_024 }, (_, i) => 1 + i)));
  assertEquals(full.groups.size, 1_024);
  assert(refusalOf(full, join(2_000)).startsWith("REFUSED: Cannot join: the cluster would have"));
});

Deno.test("applyChange() refuses the address of a group that left and still holds shards", () => {
  const empty = after(ten, join(1), leave([1], true));
  const change: ConfigChange = { kind: "join", groups: new Map([[2, ["host-1:6001"]]]) };
  assertEquals(
    refusalOf(empty, change),
    "ALREADY_EXISTS: Cannot join group 2: the address host-1:6001 belongs to group 1",
  );
});

const anyGid = fc.integer({ min: -1, max: 6 });
const anyChange: fc.Arbitrary<ConfigChange> = fc.oneof(
  fc.uniqueArray(anyGid, { maxLength: 3 }).map((gids) => join(...gids)),
  fc.tuple(fc.array(anyGid, { maxLength: 3 }), fc.boolean()).map(([gids, force]) =>
    leave(gids, force)
  ),
  fc.tuple(fc.integer({ min: -1, max: 10 }), anyGid).map(([shard, gid]) => move(shard, gid)),
);

Deno.test("applyChange() keeps every invariant and loses track of no shard, whatever is asked", () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 30 }), (changes) => {
      let config = ten;
      for (const change of changes) {
        const outcome = applyChange(config, change);
        if (outcome.kind !== "changed") continue;
        const next = outcome.config;
        assertEquals(configProblem(next), undefined);
        assertEquals(next.num, config.num + 1);
        for (const shard of next.shards.keys()) {
          // Whoever held the shard can be found from the configuration before.
          const holder = holderOf(config, shard);
          if (holder !== 0) assert(serversOf(config, holder).length > 0);
          if (holder !== 0) assert(holderOf(next, shard) !== 0);
        }
        config = next;
      }
    }),
    { seed: 3, numRuns: 1000 },
  );
});

Deno.test("applyChange() takes new servers of a group, and moves nothing", () => {
  const before = after(ten, join(100), join(101));
  const change: ConfigChange = { kind: "servers", gid: 100, servers: ["a:1", "b:1"] };
  const config = after(before, change);
  assertEquals(config.num, 3);
  assertEquals(config.shards, before.shards);
  assertEquals(config.groups.get(100), ["a:1", "b:1"]);
  assertEquals(config.groups.get(101), before.groups.get(101));
  assertEquals(applyChange(config, change).kind, "unchanged");
  const more = after(config, { ...change, servers: ["a:1", "b:1", "c:1"] });
  assertEquals(more.groups.get(100), ["a:1", "b:1", "c:1"]);
  assertEquals(after(more, change).groups.get(100), ["a:1", "b:1"]);
});

Deno.test("applyChange() takes new servers of a group that left and still holds shards", () => {
  const config = after(ten, join(100), leave([100], true), {
    kind: "servers",
    gid: 100,
    servers: ["a:1"],
  });
  assertEquals(config.departed.get(100), ["a:1"]);
});

Deno.test("applyChange() refuses servers of nobody, of others, and none at all", () => {
  const config = after(ten, join(100), join(101));
  const refused = (gid: Gid, ...servers: string[]) =>
    refusalOf(config, { kind: "servers", gid, servers }).split(":")[0];
  assertEquals(refused(102, "a:1"), "NOT_FOUND");
  assertEquals(refused(100, "host-101:6001"), "ALREADY_EXISTS");
  assertEquals(refused(100), "INVALID_ARGUMENT");
});

/** Joins group 100 as the one with this identity. */
function joinAs(identity: string): ConfigChange {
  const groups = new Map([[100, ["host-100:6001"]]]);
  return { kind: "join", groups, identities: new Map([[100, identity]]) };
}

Deno.test("applyChange() remembers the identity of a group for as long as it names the group", () => {
  const joined = after(ten, joinAs("7"), join(101));
  assertEquals([...joined.identities], [[100, "7"]]);
  const changed = after(joined, move(0, 100), { kind: "servers", gid: 100, servers: ["a:1"] });
  assertEquals([...changed.identities], [[100, "7"]]);
  assertEquals([...after(joined, leave([100])).identities], []);
  assertEquals([...after(joined, leave([100]), joinAs("8")).identities], [[100, "8"]]);
  const apart = after(joined, leave([100, 101], true));
  assertEquals([...apart.identities], [[100, "7"]]);
});

Deno.test("applyChange() lets no other group take the place of one that holds shards", () => {
  const apart = after(ten, joinAs("7"), leave([100], true));
  assertEquals(
    refusalOf(apart, joinAs("8")),
    "REFUSED: Cannot join group 100: it is not the group 100 that left with shards of the " +
      "cluster; start that one again, or give the new one another number",
  );
  assertEquals([...after(apart, joinAs("7")).identities], [[100, "7"]]);
  // Who asks nobody still cannot make it another one.
  assertEquals([...after(apart, join(100)).identities], [[100, "7"]]);
});

Deno.test("applyChange() takes no list of servers from another group of the number", () => {
  const config = after(ten, joinAs("7"));
  const servers = (identity: string): ConfigChange => {
    return { kind: "servers", gid: 100, servers: ["a:1"], identity };
  };
  assertEquals(
    refusalOf(config, servers("8")),
    "REFUSED: Cannot change group 100: it is another one of this number",
  );
  assertEquals(after(config, servers("7")).groups.get(100), ["a:1"]);
});

Deno.test("applyChange() refuses identities that are none", () => {
  const cases: [ReadonlyMap<Gid, string>, string][] = [
    [new Map([[101, "7"]]), "Cannot join: an identity of group 101 alone is given"],
    [new Map([[100, "x"]]), "Cannot join group 100 with identity 'x'"],
  ];
  for (const [identities, why] of cases) {
    const groups = new Map([[100, ["a:1"]]]);
    assertEquals(refusalOf(ten, { kind: "join", groups, identities }), `INVALID_ARGUMENT: ${why}`);
  }
});
