import { assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../rpc/errors.ts";
import { SESSION_TTL_MS } from "../rpc/retry.ts";
import { ControllerCluster } from "../shardctrler/testing/controller_cluster.ts";

/** A controller that knows two groups, and a clerk that hears none of its answers. */
async function deaf() {
  const cluster = await ControllerCluster.start(1, { shards: 1 });
  const clerk = cluster.clerk({ timeoutMs: 3 * SESSION_TTL_MS });
  await cluster.run(clerk.join(new Map([[1, ["a:1"]], [2, ["b:1"]]])));
  for (const address of cluster.addresses) cluster.network.cut(address, "client");
  return { cluster, clerk };
}

Deno.test("CtrlerClerk sends a change whose answer was lost again as the same change", async () => {
  const { cluster, clerk } = await deaf();
  await using _ = cluster;
  const joined = clerk.join(new Map([[3, ["c:1"]]]));
  await cluster.clock.advanceUntil(() => cluster.node(0).status().configNum === 2, 1_000);
  cluster.network.heal();
  // Another change that joins the group would be refused.
  assertEquals((await cluster.run(joined)).num, 2);
});

Deno.test("CtrlerClerk does not send a change again whose answer was lost before its machine was suspended", async () => {
  const { cluster, clerk } = await deaf();
  await using _ = cluster;
  const moved = clerk.move(0, 2);
  await cluster.clock.advanceUntil(() => cluster.node(0).status().configNum === 2, 1_000);
  cluster.clock.suspend(SESSION_TTL_MS);
  cluster.network.heal();
  const error = await assertRejects(() => cluster.run(moved), KvError, "whether the move");
  assertEquals([error.code, error.maybe], ["SESSION_EXPIRED", true]);
});

Deno.test("CtrlerClerk gives a change up before the controllers forget that they made it", async () => {
  const { cluster, clerk } = await deaf();
  await using _ = cluster;
  const moved = clerk.move(0, 2);
  const error = await assertRejects(() => cluster.run(moved, SESSION_TTL_MS - 1), KvError);
  assertEquals([error.code, error.maybe], ["DEADLINE_EXCEEDED", true]);
  cluster.network.heal();
});
