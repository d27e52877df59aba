import { assertEquals } from "@std/assert";
import { allNodes, planCluster } from "./plan.ts";

const SHAPE = { groups: 2, replicas: 2, shards: 10, ctrlerPort: 50_051, groupPort: 6001 };

Deno.test("planCluster() gives every node an address and a directory of its own", () => {
  const nodes = allNodes(planCluster(SHAPE, "/d"));
  assertEquals(nodes.map((node) => [node.label, node.address, node.directory]), [
    ["ctrler-0", "127.0.0.1:50051", "/d/sc_0"],
    ["ctrler-1", "127.0.0.1:50052", "/d/sc_1"],
    ["ctrler-2", "127.0.0.1:50053", "/d/sc_2"],
    ["100-0", "127.0.0.1:6001", "/d/skv_100_0"],
    ["100-1", "127.0.0.1:6002", "/d/skv_100_1"],
    ["101-0", "127.0.0.1:7001", "/d/skv_101_0"],
    ["101-1", "127.0.0.1:7002", "/d/skv_101_1"],
  ]);
});

Deno.test("planCluster() writes eRaft's flags", () => {
  const plan = planCluster(SHAPE, "/d");
  const ctrlers = "127.0.0.1:50051,127.0.0.1:50052,127.0.0.1:50053";
  assertEquals(
    plan.controllers[1]?.args.join(" "),
    `-id 1 -cluster ${ctrlers} -db /d/sc -shards 10`,
  );
  assertEquals(
    plan.groups[1]?.nodes[0]?.args.join(" "),
    `-id 0 -gid 101 -cluster 127.0.0.1:7001,127.0.0.1:7002 -ctrlers ${ctrlers} -db /d/skv`,
  );
});
