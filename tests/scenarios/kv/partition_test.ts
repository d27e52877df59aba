import { assert, assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../../../rpc/errors.ts";
import { appendersOf } from "../appender.ts";
import { GID, KvGroup } from "./kv_group.ts";
import { runRounds } from "./rounds.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

// kvraft 3A OnePartition
Deno.test("a majority goes on, a minority answers nothing, and what waited there completes after the heal", async () => {
  await using group = await KvGroup.start();
  const major = group.client();
  const minor = group.client();
  const other = group.client();
  await group.run(major.put("key", "13"));
  // Every client has a connection before the cut, so that it is the cut that stops them.
  assertEquals(text(await group.run(minor.get("key"))), "13");
  assertEquals(text(await group.run(other.get("key"))), "13");
  const leader = await group.leader();
  const [with1 = 0, ...rest] = group.positions.filter((position) => position !== leader);
  group.split(
    [...group.addresses([leader, with1]), group.addressOf(minor), group.addressOf(other)],
    [...group.addresses(rest), group.addressOf(major)],
  );
  await group.run(major.put("key", "14"), 20_000);
  assertEquals(text(await group.run(major.get("key"), 20_000)), "14");
  const waiting = { put: "pending", get: "pending" };
  const put = minor.put("key", "15").then(() => waiting.put = "done");
  const get = other.get("key").then((value) => waiting.get = text(value) ?? "absent");
  for (const call of [put, get]) call.catch(() => {});
  await assertRejects(
    () => group.run(minor.get("key", { timeoutMs: 5_000 })),
    KvError,
    "within 5000 ms",
  );
  await group.store.ctrl.clock.advance(20_000);
  assertEquals(waiting, { put: "pending", get: "pending" });
  assertEquals(text(await group.run(major.get("key"))), "14");
  await group.run(major.put("key", "16"));
  group.heal();
  await group.run(Promise.all([put, get]), 20_000);
  assert(["15", "16"].includes(waiting.get), `the read that waited found ${waiting.get}`);
  assertEquals(text(await group.run(major.get("key"))), "15");
  assertEquals(group.store.failures, []);
});

Deno.test("a leader alone with its clients answers no read from what it has", async () => {
  await using group = await KvGroup.start({ replicas: 3 });
  const inside = group.client();
  const outside = group.client();
  await group.run(inside.put("key", "old"));
  await group.run(outside.get("key"));
  const leader = await group.leader();
  const rest = group.positions.filter((position) => position !== leader);
  group.split(
    [...group.addresses([leader]), group.addressOf(inside)],
    [...group.addresses(rest), group.addressOf(outside)],
  );
  // It takes itself for the leader still, and so does its client.
  assertEquals(group.store.leader(GID), leader);
  const read = inside.get("key");
  read.catch(() => {});
  await group.run(outside.put("key", "new"), 20_000);
  group.heal();
  assertEquals(text(await group.run(read)), "new");
});

// kvraft 3A ManyPartitionsOneClient
Deno.test("one client finds what it has appended although the group is cut in two again and again", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 1), { partitions: true });
});

// kvraft 3A ManyPartitionsManyClients
Deno.test("five clients find what they have appended although the group is cut in two again and again", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 5), { partitions: true });
});
