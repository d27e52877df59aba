import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { movesOf } from "./moves.ts";
import { groupStatus } from "./node_status.ts";

Deno.test("groupStatus() does not take another group's leader for the one it looks for", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, groups: 1, replicas: 1 });
  const { config } = cluster;
  const mistaken = { ...config, groups: new Map([...config.groups, [102, ["100-0"]]]) };
  const nodes = await clock.resolve(groupStatus(mistaken, cluster.network.dialer()), 5_000);
  assertEquals(nodes.map(({ gid, role }) => [gid, role]), [[100, "Leader"], [102, "Offline"]]);
  assertEquals(nodes[1]?.error?.message, "The server at 100-0 belongs to group 100");
  assertEquals(movesOf(mistaken, nodes).behind, [102]);
});
