import { assert, assertEquals } from "@std/assert";
import { Appender, appendersOf } from "../appender.ts";
import { KvGroup } from "./kv_group.ts";
import { runRounds } from "./rounds.ts";

// kvraft 3A Basic
Deno.test("one client finds what it has appended, in order and once", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 1));
});

// kvraft 3A Speed
Deno.test("1,000 writes one after the other take less than 33 ms each", async () => {
  await using group = await KvGroup.start({ replicas: 3 });
  const appender = new Appender(group, "key");
  await group.run(appender.append());
  const start = group.now;
  await group.run((async () => {
    while (appender.words < 1_001) await appender.append();
  })());
  const each = (group.now - start) / 1_000;
  assert(each < 33, `${each} ms each`);
  await group.run(appender.check());
});

// kvraft 3A Concurrent
Deno.test("five clients find what they have appended, in order and once", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 5));
});

// kvraft 3A Unreliable
Deno.test("five clients find what they have appended although one message in ten is lost", async () => {
  await using group = await KvGroup.start({ unreliable: true });
  await runRounds(group, appendersOf(group, 5));
});

// kvraft 3A UnreliableOneKey
Deno.test("words that five clients append to one key are there once, each client's in order", async () => {
  await using group = await KvGroup.start({ replicas: 3, unreliable: true });
  const clients = Array.from({ length: 5 }, () => group.client());
  const appendAll = clients.map(async (client, i) => {
    for (let word = 0; word < 20; word++) await client.append("shared", `${i}.${word},`);
  });
  await group.run(Promise.all(appendAll));
  const value = new TextDecoder().decode(await group.run(group.client().get("shared")));
  const words = value.split(",").slice(0, -1).map((word) => word.split(".").map(Number));
  assertEquals(words.length, 100);
  for (const i of clients.keys()) {
    const own = words.filter(([client]) => client === i).map(([, word]) => word);
    assertEquals(own, Array.from({ length: 20 }, (_, word) => word));
  }
});
