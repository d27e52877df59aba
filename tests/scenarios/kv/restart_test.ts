import { appendersOf } from "../appender.ts";
import { KvGroup } from "./kv_group.ts";
import { runRounds } from "./rounds.ts";

// kvraft 3A PersistOneClient
Deno.test("one client finds what it has appended after power cuts of the whole group", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 1), { crashes: true });
});

// kvraft 3A PersistConcurrent
Deno.test("five clients find what they have appended after power cuts of the whole group", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 5), { crashes: true });
});

// kvraft 3A PersistConcurrentUnreliable
Deno.test("five clients find what they have appended after power cuts on a lossy network", async () => {
  await using group = await KvGroup.start({ unreliable: true });
  await runRounds(group, appendersOf(group, 5), { crashes: true });
});

// kvraft 3A PersistPartition
Deno.test("five clients find what they have appended after cuts of network and power", async () => {
  await using group = await KvGroup.start();
  await runRounds(group, appendersOf(group, 5), { partitions: true, crashes: true });
});

// kvraft 3A PersistPartitionUnreliable
Deno.test("five clients find what they have appended after cuts of a lossy network and of power", async () => {
  await using group = await KvGroup.start({ unreliable: true });
  await runRounds(group, appendersOf(group, 5), { partitions: true, crashes: true });
});

Deno.test("clients that are waiting when the power goes get their answers when it is back", async () => {
  await using group = await KvGroup.start();
  const appenders = appendersOf(group, 5);
  for (let round = 0; round < 5; round++) {
    const waiting = Promise.all(appenders.map((appender) => appender.append()));
    await group.store.ctrl.clock.advance(3);
    await group.crashAll();
    await group.run(waiting);
    await group.run(Promise.all(appenders.map((appender) => appender.check())));
  }
});
