import { assertEquals } from "@std/assert";
import { GroupDirectory, SILENCE_MS_MAX } from "./group_directory.ts";
import type { GroupReport } from "./state/group_report.ts";
import {
  addressOf,
  configOf,
  node,
  NOW,
  report,
  serversOfGroup,
  shard,
} from "./state/state_testing.ts";

const both = configOf(1, [1, 2]);
const withoutOne = configOf(2, [2, 2]);

function directory(): GroupDirectory {
  const groups = new GroupDirectory();
  groups.take(both);
  groups.take(withoutOne);
  return groups;
}

function reports(...all: [number, GroupReport][]): Map<number, GroupReport> {
  return new Map(all);
}

Deno.test("GroupDirectory knows the servers of a group that left until it has handed everything over", () => {
  const groups = directory();
  assertEquals([...groups.gids].sort(), [1, 2]);
  assertEquals(groups.seats.filter(({ gid }) => gid === 1).map(({ address }) => address), [
    ...serversOfGroup(1),
  ]);
  const nodes = [node(1, 0, { role: "Leader" })];
  assertEquals(groups.release(nodes, reports(report(1, 2, [shard(0, "BePulling")])), NOW), false);
  // It has not heard of the configuration that it is to leave in.
  assertEquals(groups.release(nodes, reports(report(1, 1, [])), NOW), false);
  assertEquals(groups.release(nodes, reports(report(1, 2, [])), NOW), true);
  assertEquals([...groups.gids], [2]);
});

Deno.test("GroupDirectory lets a group go of which nothing is heard any more", () => {
  const groups = directory();
  const up = [node(1, 0)];
  const silent = [node(1, 0, {}, { isUp: false })];
  assertEquals(groups.release(up, reports(), NOW), false);
  assertEquals(groups.release(silent, reports(), NOW + SILENCE_MS_MAX), false);
  assertEquals(groups.release(up, reports(), NOW + SILENCE_MS_MAX), false);
  assertEquals(groups.release(silent, reports(), NOW + 2 * SILENCE_MS_MAX), false);
  assertEquals(groups.release(silent, reports(), NOW + 2 * SILENCE_MS_MAX + 1), true);
});

Deno.test("GroupDirectory takes a group back that joins again, with the servers it has then", () => {
  const groups = directory();
  const moved = { ...both, num: 3, groups: new Map([[1, ["new:1"]], [2, serversOfGroup(2)]]) };
  groups.take(moved);
  assertEquals(groups.seats.map(({ address }) => address), ["new:1", ...serversOfGroup(2)]);
  assertEquals(groups.release([], reports(), NOW + 10 * SILENCE_MS_MAX), false);
  groups.clear();
  assertEquals([groups.config, groups.seats], [undefined, []]);
});

Deno.test("GroupDirectory keeps a group that holds the shards of a store without groups", () => {
  const groups = new GroupDirectory();
  groups.take(configOf(1, [1]));
  groups.take({
    ...configOf(2, [0]),
    lastOwners: new Map([[0, 1]]),
    departed: new Map([[1, serversOfGroup(1)]]),
  });
  assertEquals(groups.release([], reports(report(1, 2, [])), NOW + 10 * SILENCE_MS_MAX), false);
  assertEquals(groups.seats[0]?.address, addressOf(1, 0));
});
