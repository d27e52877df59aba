import { assertEquals, assertRejects } from "@std/assert";
import { Op } from "../proto/gen/shardkv.ts";
import type { Dialer } from "../rpc/service.ts";
import { shardOf } from "../shardctrler/configuration/shard_hash.ts";
import { StoreCluster } from "./testing/store_cluster.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

Deno.test("GroupReplica serves puts, gets, appends and deletes of the shards it was given", async () => {
  await using store = await StoreCluster.start({ shards: 10, gids: [100] });
  await store.join(100);
  const { clerk } = store;
  await store.run(clerk.put("a", "1"));
  await store.run(clerk.append("a", "2"));
  assertEquals(text(await store.run(clerk.get("a"))), "12");
  assertEquals(await store.run(clerk.delete("a")), true);
  assertEquals(await store.run(clerk.get("a")), undefined);
  assertEquals(store.failures, []);
});

Deno.test("GroupReplica hands shards over and back while a clerk goes on", async () => {
  await using store = await StoreCluster.start({ shards: 8, gids: [100, 200] });
  await store.join(100);
  const model = new Map<string, string>();
  const append = async (key: string, value: string) => {
    model.set(key, (model.get(key) ?? "") + value);
    await store.run(store.clerk.append(key, value));
  };
  for (let i = 0; i < 40; i++) await append(`key-${i}`, "a");
  await store.join(200);
  for (let i = 0; i < 40; i++) await append(`key-${i}`, "b");
  await store.settle(100, 200);
  await store.run(store.admin.leave([100]));
  for (let i = 0; i < 40; i++) await append(`key-${i}`, "c");
  await store.settle(100, 200);
  assertEquals(store.node(100).status().shards, []);
  const figures = store.node(200).status().shards;
  assertEquals(figures.reduce((sum, { keys }) => sum + keys, 0), model.size);
  const bytes = [...model].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  assertEquals(figures.reduce((sum, shard) => sum + shard.bytes, 0), bytes);
  for (const [key, value] of model) {
    assertEquals(text(await store.run(store.clerk.get(key))), value);
  }
  assertEquals(store.failures, []);
});

Deno.test("GroupReplica moves shards although its disk takes its time", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100, 200], diskMs: 3 });
  await store.join(100);
  for (let i = 0; i < 20; i++) await store.run(store.clerk.put(`key-${i}`, `${i}`));
  await store.join(200);
  await store.settle(100, 200);
  for (let i = 0; i < 20; i++) {
    assertEquals(text(await store.run(store.clerk.get(`key-${i}`))), `${i}`);
  }
  assertEquals(store.failures, []);
});

Deno.test("GroupReplica moves a shard of many chunks past a change of both leaders", async () => {
  await using store = await StoreCluster.start({
    shards: 2,
    gids: [100, 200],
    replicas: 3,
    delayMs: 5,
  });
  await store.join(100);
  const value = "v".repeat(100_000);
  for (let i = 0; i < 60; i++) await store.run(store.clerk.put(`key-${i}`, value));
  await store.join(200);
  await store.until(() => store.leader(200) !== -1);
  const gainer = store.leader(200);
  const source = store.leader(100);
  await store.until(() =>
    store.node(200, gainer).status().shards.some(({ status }) => status === "Pulling")
  );
  await store.crash(200, gainer);
  await store.crash(100, source);
  await store.start(200, gainer);
  await store.start(100, source);
  await store.settle(100, 200);
  const { shards } = await store.run(store.admin.query());
  for (const gid of [100, 200]) {
    const expected = Array.from({ length: 60 }, (_, i) => `key-${i}`)
      .filter((key) => shards[shardOf(new TextEncoder().encode(key), 2)] === gid).length;
    const figures = store.node(gid, store.leader(gid)).status().shards;
    assertEquals(figures.reduce((sum, { keys }) => sum + keys, 0), expected);
  }
  for (let i = 0; i < 60; i++) {
    assertEquals((await store.run(store.clerk.get(`key-${i}`)))?.length, value.length);
  }
  assertEquals(store.failures, []);
});

Deno.test("GroupReplica serves what has arrived and what does not move while a source is dead", async () => {
  await using store = await StoreCluster.start({ shards: 9, gids: [100, 200, 300] });
  await store.join(100, 200);
  await store.settle(100, 200);
  const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
  for (const key of keys) await store.run(store.clerk.append(key, "a"));
  const before = (await store.run(store.admin.query())).shards;
  await store.crash(200, 0);
  await store.join(300);
  const after = (await store.run(store.admin.query())).shards;
  const isAlive = (key: string) => {
    const shard = shardOf(new TextEncoder().encode(key), 9);
    return before[shard] !== 200 && after[shard] !== 200;
  };
  for (const key of keys.filter(isAlive)) await store.run(store.clerk.append(key, "b"));
  const statuses = store.node(300).status().shards.map(({ status }) => status);
  assertEquals(new Set(statuses), new Set(["Serving", "Pulling"]));
  await store.start(200, 0);
  await store.settle(100, 200, 300);
  for (const key of keys) {
    assertEquals(text(await store.run(store.clerk.get(key))), isAlive(key) ? "ab" : "a");
  }
  assertEquals(store.failures, []);
});

Deno.test("GroupReplica pulls from another replica when one of the source stands still", async () => {
  await using store = await StoreCluster.start({
    shards: 2,
    gids: [100, 200],
    replicas: 3,
    delayMs: 2,
  });
  await store.join(100);
  for (let i = 0; i < 20; i++) await store.run(store.clerk.put(`key-${i}`, "v"));
  await store.settle(100);
  // The one the gainer asks first. It hears everything and gets no word out, as a stopped process.
  const [stuck = "", ...others] = [...store.addresses(100), ...store.addresses(200)];
  for (const address of others) store.ctrl.network.cut(stuck, address);
  await store.join(200);
  await store.until(() => store.isSettled(200, 2));
  for (const address of others) store.ctrl.network.heal(stuck, address);
  for (let i = 0; i < 20; i++) {
    assertEquals(text(await store.run(store.clerk.get(`key-${i}`))), "v");
  }
});

Deno.test("GroupReplica keeps what it answered past a crash of the whole group", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100], replicas: 3 });
  await store.join(100);
  for (let i = 0; i < 20; i++) await store.run(store.clerk.append(`key-${i % 3}`, `${i},`));
  for (const position of [0, 1, 2]) await store.crash(100, position);
  for (const position of [0, 1, 2]) await store.start(100, position);
  const values = [];
  for (let i = 0; i < 3; i++) values.push(text(await store.run(store.clerk.get(`key-${i}`))));
  assertEquals(values, ["0,3,6,9,12,15,18,", "1,4,7,10,13,16,19,", "2,5,8,11,14,17,"]);
  assertEquals(store.failures, []);
});

Deno.test("GroupReplica writes nothing to its log while it is idle", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100, 200] });
  await store.join(100, 200);
  await store.settle(100, 200);
  const before = [100, 200].map((gid) => store.node(gid).status().logLastIndex);
  await store.ctrl.clock.advance(60_000);
  assertEquals([100, 200].map((gid) => store.node(gid).status().logLastIndex), before);
});

Deno.test("scan() gives the keys of all shards of a group in order, page by page", async () => {
  await using store = await StoreCluster.start({ shards: 8, gids: [100, 200] });
  await store.join(100, 200);
  await store.settle(100, 200);
  const keys = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(4, "0")}`);
  await store.run(store.clerk.putMany(keys.map((key): [string, string] => [key, `v-${key}`])));
  const scan = async () => {
    const found: string[] = [];
    for await (const { key, value } of store.clerk.scan({ prefix: "k" })) {
      assertEquals(text(value), `v-${text(key)}`);
      found.push(text(key) ?? "");
    }
    return found;
  };
  assertEquals(await store.run(scan()), keys);
});

Deno.test("command() is passed on once to whoever can answer it", async () => {
  await using store = await StoreCluster.start({ shards: 10, gids: [100, 200], replicas: 3 });
  await store.join(100, 200);
  await store.settle(100, 200);
  const addresses = [...store.addresses(100), ...store.addresses(200)];
  await store.until(() => {
    const states = [100, 200].flatMap((gid) => [0, 1, 2].map((i) => store.node(gid, i).status()));
    return states.every(({ leaderAddress }) => leaderAddress !== "");
  });
  let commandId = 0;
  for (const address of addresses) {
    for (const key of ["x", "y", "z", "{tag}w"]) {
      const append = {
        op: 1,
        key,
        value: "+",
        clientId: "-5",
        commandId: `${commandId++}`,
      };
      assertEquals(await store.command(address, append), { err: "OK", value: "" });
      assertEquals(await store.command(address, append), { err: "OK", value: "" });
    }
  }
  for (const key of ["x", "y", "z", "{tag}w"]) {
    const answers = [];
    for (const address of addresses) answers.push(await store.command(address, { op: 2, key }));
    assertEquals(new Set(answers.map(({ value }) => value)), new Set(["+".repeat(6)]));
    const refused = [];
    for (const address of addresses) {
      refused.push((await store.command(address, { op: 2, key }, { "eraft-no-forward": "1" })).err);
    }
    assertEquals(refused.filter((err) => err === "OK").length, 1);
    assertEquals(refused.filter((err) => err === "ErrWrongGroup").length, 3);
    assertEquals(refused.filter((err) => err === "ErrWrongLeader").length, 2);
  }
  const [first = ""] = addresses;
  assertEquals(await store.command(first, { op: 2, key: "missing" }), {
    err: "ErrNoKey",
    value: "",
  });
  await assertRejects(() => store.command(first, { op: 0, key: "" }), Error, "1 to 4096");
});

Deno.test("GroupReplica.open() refuses gids out of range", async () => {
  await using store = await StoreCluster.start({ shards: 1, gids: [] });
  for (const gid of [0, 1.5, 2 ** 31]) {
    await assertRejects(
      () => store.startGroup(gid),
      RangeError,
      `Cannot run group ${gid}: a group needs '-gid' 1 to 2147483647`,
    );
  }
});

Deno.test("GroupReplica passes eRaft's commands on over connections that Raft does not use", async () => {
  const called: string[] = [];
  const forwardDialer: Dialer = {
    channel(address) {
      called.push(address);
      return store.ctrl.dialer("forward").channel(address);
    },
    forget() {},
    close: () => Promise.resolve(),
  };
  const tuning = { forwardDialer };
  await using store = await StoreCluster.start({ shards: 4, gids: [100], replicas: 3, tuning });
  await store.join(100);
  await store.run(store.clerk.put("a", "1"));
  const leader = store.leader(100);
  const follower = store.address(100, (leader + 1) % 3);
  assertEquals((await store.command(follower, { op: Op.GET, key: "a" })).value, "1");
  assertEquals(called, [store.address(100, leader)]);
});
