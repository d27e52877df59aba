import { assert, assertEquals } from "@std/assert";
import { raftConfig } from "./raft_node_options.ts";

const IDENTITY = { clusterId: "1", gid: 1, nodeId: 1 };
/** What clocks may differ by in speed (docs/raft.md). */
const CLOCK_RATIO_MAX = 1.1;

Deno.test("raftConfig() gives leases that end before the promises they rest on, whatever the clocks", () => {
  for (const electionTicks of [2, 3, 5, 10, 15, 100]) {
    for (const tickMs of [1, 7, 20, 100, 1_000]) {
      const { leaseMs } = raftConfig({
        identity: IDENTITY,
        raft: { electionTicks },
        tickMs,
        leaseReads: true,
      });
      // The first tick of a promise may come at once.
      const promiseMs = (electionTicks - 1) * tickMs;
      const at = `${leaseMs} ms of ${promiseMs} ms`;
      assert(leaseMs * CLOCK_RATIO_MAX <= promiseMs, `Too long: ${at}`);
      assert(leaseMs >= Math.floor(promiseMs * 0.9), `Of little use: ${at}`);
    }
  }
});

Deno.test("raftConfig() gives no leases unless they are asked for", () => {
  assertEquals(raftConfig({ identity: IDENTITY }).leaseMs, 0);
});
