/** Clerks ask the group that serves a shard while its owner is still copying it. */
import { assert, assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import type { Gid, ShardId } from "../../shardctrler/configuration/config.ts";
import type { KvClerk } from "../kv_clerk.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";

const text = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);
const KEY = "k";

/** The shard of KEY belongs to group 101 by the latest configuration and is served by 100 still. */
class Moving {
  readonly clock = new VirtualClock();
  readonly cluster = new FakeCluster({ clock: this.clock });
  readonly shard = this.cluster.shardOf(KEY);
  readonly from: Gid = this.cluster.groupOf(KEY).gid;
  readonly to: Gid = this.from === 100 ? 101 : 100;

  /** @param named Whether the new configuration still has the group that serves the shard */
  begin(named = true): void {
    const { cluster, shard, from, to } = this;
    const { addresses } = cluster.group(from);
    const shards = cluster.config.shards.map((gid, id) => id === shard || !named ? to : gid);
    const groups = new Map(cluster.config.groups);
    if (!named) groups.delete(from);
    cluster.config = { ...cluster.config, num: cluster.config.num + 1, shards, groups };
    for (const group of cluster.groups.values()) group.configNum = cluster.config.num;
    cluster.group(to).arriving.add(shard);
    cluster.group(to).places.set(shard, { shard, gid: from, servers: [...addresses] });
  }

  /** The owner gets a shard that nobody writes to. */
  give(shard: ShardId): void {
    const { from, to, cluster } = this;
    const held = cluster.group(from).shards.get(shard);
    if (held === undefined || shard === this.shard) return;
    cluster.group(from).shards.delete(shard);
    cluster.group(to).shards.set(shard, held);
  }

  /** The group freezes the shard: neither serves it. */
  freeze(): void {
    const { cluster, shard, from, to } = this;
    const held = cluster.group(from).shards.get(shard);
    assert(held !== undefined);
    cluster.group(from).shards.delete(shard);
    cluster.group(from).places.set(shard, {
      shard,
      gid: to,
      servers: cluster.group(to).addresses.slice(),
    });
    this.#held = held;
  }

  finish(): void {
    const { cluster, shard, to } = this;
    assert(this.#held !== undefined);
    cluster.group(to).arriving.delete(shard);
    cluster.group(to).places.delete(shard);
    cluster.group(to).shards.set(shard, this.#held);
  }

  #held: ReturnType<FakeCluster["allShards"]>[number] | undefined;

  resolve<T>(promise: Promise<T>): Promise<T> {
    return this.clock.resolve(promise, 60_000);
  }
}

async function keysOf(clerk: KvClerk): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of clerk.scan()) keys.push(text(key) ?? "");
  return keys;
}

for (const named of [true, false]) {
  const whether = named ? "names" : "does not name";
  Deno.test(`KvClerk asks who still has a shard, if the configuration ${whether} that group`, async () => {
    const moving = new Moving();
    const { cluster } = moving;
    moving.begin(named);
    const clerk = cluster.clerk();
    await moving.resolve(clerk.put(KEY, "v"));
    assertEquals(cluster.group(moving.to).batches, 1, "it was sent on at once");
    assertEquals(text(await moving.resolve(clerk.get(KEY))), "v");
    const asked = cluster.group(moving.to).batches;
    for (let i = 0; i < 10; i++) await moving.resolve(clerk.append(KEY, `${i}`));
    assertEquals(cluster.group(moving.to).batches, asked, "it remembers whom to ask");
    assertEquals(text(await moving.resolve(clerk.get(KEY))), "v0123456789");
    if (named) assertEquals(await moving.resolve(keysOf(clerk)), [KEY]);
    await moving.resolve(clerk.close());
  });
}

Deno.test("KvClerk waits some milliseconds at a hand-over and then asks the new owner", async () => {
  const moving = new Moving();
  const { cluster, clock } = moving;
  moving.begin();
  const clerk = cluster.clerk();
  await moving.resolve(clerk.put(KEY, "v"));
  moving.freeze();
  const append = clerk.append(KEY, "w");
  clock.setTimer(() => moving.finish(), 100);
  await moving.resolve(append);
  assert(clock.now() >= 100 && clock.now() < 130, `it took ${clock.now()} ms`);
  assertEquals(text(await moving.resolve(clerk.get(KEY))), "vw");
  await moving.resolve(clerk.close());
});

Deno.test("KvClerk asks the owner again when the group that had the shard is gone", async () => {
  const moving = new Moving();
  const { cluster } = moving;
  moving.begin();
  const clerk = cluster.clerk();
  await moving.resolve(clerk.put(KEY, "v"));
  moving.freeze();
  moving.finish();
  for (const address of cluster.group(moving.from).addresses) cluster.stop(address);
  const startMs = moving.clock.now();
  assertEquals(text(await moving.resolve(clerk.get(KEY))), "v");
  assert(moving.clock.now() - startMs < 1_000, `it took ${moving.clock.now() - startMs} ms`);
  await moving.resolve(clerk.close());
});

Deno.test("KvClerk forgets who had a shard with the next configuration", async () => {
  const moving = new Moving();
  const { cluster } = moving;
  moving.begin();
  const clerk = cluster.clerk();
  await moving.resolve(clerk.put(KEY, "v"));
  moving.freeze();
  moving.finish();
  cluster.move(moving.shard, moving.from);
  cluster.group(moving.from).places.clear();
  assertEquals(text(await moving.resolve(clerk.get(KEY))), "v");
  await moving.resolve(clerk.close());
});

Deno.test("KvClerk.scan() asks who still has a shard", async () => {
  const moving = new Moving();
  const { cluster } = moving;
  const clerk = cluster.clerk();
  await moving.resolve(clerk.put(KEY, "v"));
  moving.begin();
  const other = cluster.clerk();
  assertEquals(await moving.resolve(keysOf(other)), [KEY]);
  for (const each of [clerk, other]) await moving.resolve(each.close());
});

Deno.test("KvClerk.scan() asks the owner again when the group that had the shard is gone", async () => {
  const moving = new Moving();
  const { cluster } = moving;
  moving.begin(false);
  const clerk = cluster.clerk();
  await moving.resolve(clerk.put(KEY, "v"));
  // The owner has the other shards too; the group that had this one is not listed any more.
  cluster.config.shards.forEach((_, shard) => moving.give(shard));
  moving.freeze();
  moving.finish();
  for (const address of cluster.group(moving.from).addresses) cluster.stop(address);
  const startMs = moving.clock.now();
  assertEquals(await moving.resolve(keysOf(clerk)), [KEY]);
  assert(moving.clock.now() - startMs < 6_000, `it took ${moving.clock.now() - startMs} ms`);
  await moving.resolve(clerk.close());
});
