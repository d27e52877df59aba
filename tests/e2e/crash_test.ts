/** What is acknowledged stays, whatever is killed: real processes, `kill -9`, real disks. */
import { assert, assertEquals } from "@std/assert";
import type { KvClerk } from "../../client/kv_clerk.ts";
import { TestCluster } from "./cluster_harness.ts";

type Written = Map<string, string>;

/** Puts numbered keys and remembers what was acknowledged. */
async function write(clerk: KvClerk, written: Written, label: string, count: number) {
  const entries = Array.from(
    { length: count },
    (_, index) => [`${label}-${index}`, `value of ${label} ${index}`] as const,
  );
  await clerk.putMany(entries);
  for (const [key, value] of entries) written.set(key, value);
}

async function assertAllThere(clerk: KvClerk, written: Written): Promise<void> {
  const keys = [...written.keys()];
  const values = await clerk.getMany(keys);
  const decoder = new TextDecoder();
  const found = new Map(keys.map((key, index) => [key, decoder.decode(values[index])]));
  assertEquals(found, written);
}

Deno.test("a cluster keeps what it acknowledged when leaders, groups and everything are killed", async () => {
  await using cluster = await TestCluster.start();
  const { clerk } = cluster;
  const written: Written = new Map();
  await write(clerk, written, "before", 200);

  const leader = await cluster.leaderOf(100);
  await cluster.crash([leader]);
  await write(clerk, written, "without a leader", 200);
  await assertAllThere(clerk, written);

  const group = cluster.labels.filter((label) => label.startsWith("101-"));
  await cluster.crash(group);
  await cluster.restart([leader, ...group]);
  await write(clerk, written, "group back", 200);
  await assertAllThere(clerk, written);

  await cluster.crash(cluster.labels);
  await cluster.restart(cluster.labels);
  await assertAllThere(clerk, written);
  assertEquals(cluster.deaths, []);
});

Deno.test("an append that was retried over a crash takes effect once", async () => {
  await using cluster = await TestCluster.start({ groups: 1 });
  const { clerk } = cluster;
  const appended: string[] = [];
  for (let round = 0; round < 3; round++) {
    const leader = await cluster.leaderOf(100);
    const pieces = Array.from({ length: 50 }, (_, index) => `<${round}.${index}>`);
    const acknowledged = pieces.map((piece) => clerk.append("log", piece));
    await cluster.crash([leader]);
    await Promise.all(acknowledged);
    appended.push(...pieces);
    await cluster.restart([leader]);
  }
  const log = new TextDecoder().decode(await clerk.get("log"));
  assertEquals(log.match(/<[^>]*>/g)?.sort(), appended.sort());
  assert(cluster.deaths.length === 0, cluster.deaths.join("\n"));
});
