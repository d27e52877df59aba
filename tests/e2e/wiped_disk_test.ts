/** A replica whose disk was lost comes back as a stranger: real processes, `kill -9`, `rm -r`. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { NodeStatus } from "../../client/status/node_status.ts";
import { KvError } from "../../rpc/errors.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { allNodes } from "../../tasks/cluster/plan.ts";
import { TestCluster } from "./cluster_harness.ts";

const LABELS = ["100-0", "100-1", "100-2"];
const REFUSED_TIMEOUT_MS = 30_000;
/** Longer than any election among nodes that may vote. */
const HOPELESS_MS = 6_000;
const WHAT_TO_DO =
  /disk was wiped or replaced.*remove it from the group and add it as a new member/;

/** Kills a node, empties its disk and starts it with the same flags. */
async function wipe(cluster: TestCluster, label: string): Promise<void> {
  await cluster.crash([label]);
  const node = allNodes(cluster.plan).find((node) => node.label === label);
  assert(node !== undefined, `Node ${label} is planned`);
  await Deno.remove(node.directory, { recursive: true });
  await cluster.restart([label]);
}

function hasSaid(cluster: TestCluster, label: string, text: RegExp): boolean {
  return cluster.processes.process(label)?.lastLines.some((line) => text.test(line)) ?? false;
}

async function statusOf(cluster: TestCluster, label: string): Promise<NodeStatus> {
  const replicas = await cluster.admin.status();
  const status = replicas.find(({ gid, id }) => `${gid}-${id}` === label);
  assert(status !== undefined, `Node ${label} is configured`);
  return status;
}

Deno.test("a replica whose disk was wiped is refused by its peers and never counts", async () => {
  await using cluster = await TestCluster.start({ groups: 1 });
  const { clerk } = cluster;
  await clerk.put("before", "1");
  const leader = await cluster.leaderOf(100);
  const [wiped = "", other = ""] = LABELS.filter((label) => label !== leader);

  await wipe(cluster, wiped);
  await until(
    "the log of both sides says what to do",
    REFUSED_TIMEOUT_MS,
    () => [leader, wiped].every((label) => hasSaid(cluster, label, WHAT_TO_DO)) || undefined,
  );
  await clerk.put("without it", "2");

  await cluster.crash([other]);
  const error = await assertRejects(
    () => clerk.put("by nobody", "3", { timeoutMs: HOPELESS_MS }),
    KvError,
  );
  assertEquals(error.code, "DEADLINE_EXCEEDED");
  const { role, term, applied, logLastIndex } = await statusOf(cluster, wiped);
  assertEquals({ role, term, applied, logLastIndex }, {
    role: "Follower",
    term: 0,
    applied: 0,
    logLastIndex: 0,
  });

  await cluster.restart([other]);
  await clerk.put("after", "4");
  const values = await clerk.getMany(["before", "without it", "after"]);
  assertEquals(values.map((value) => new TextDecoder().decode(value)), ["1", "2", "4"]);
  assertEquals(cluster.deaths, []);
});
