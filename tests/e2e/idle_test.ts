import { assert, assertEquals } from "@std/assert";
import { complaint, type IdleNode, measureIdle } from "./idle.ts";

Deno.test("a cluster that nobody uses writes nothing", async () => {
  const nodes = await measureIdle(3_000);
  assertEquals(nodes.length, 9);
  // A machine that stalls for a second has an election, and that is written down with reason.
  assertEquals(complaint(nodes.filter(({ termGrowth }) => termGrowth === 0)), undefined);
  for (const { label, cpuPercent, residentBytesBefore } of nodes) {
    assert(cpuPercent > 0 && cpuPercent < 100, `Node ${label} took ${cpuPercent} % of a processor`);
    assert(residentBytesBefore > 1 << 20, `Node ${label} took ${residentBytesBefore} bytes`);
  }
});

Deno.test("a node that writes without being asked to is complained of", () => {
  const quiet: IdleNode = {
    label: "100-0",
    cpuPercent: 1,
    residentBytesBefore: 1 << 20,
    residentBytesAfter: 2 << 20,
    logGrowth: 0,
    termGrowth: 0,
    changedFiles: ["LOG"],
  };
  assertEquals(complaint([quiet]), undefined);
  assertEquals(
    complaint([quiet, { ...quiet, label: "100-1", logGrowth: 2 }]),
    "The log of 100-1 moved by 2 entries",
  );
  assertEquals(
    complaint([{ ...quiet, changedFiles: ["000007.sst", "LOG", "journal/1.journal"] }]),
    "Node 100-0 has written 000007.sst, journal/1.journal",
  );
});
