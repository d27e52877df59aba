import { assertLinearizable, judgedClients } from "../judged_client.ts";
import { KvGroup } from "./kv_group.ts";
import { runRounds } from "./rounds.ts";

const KEYS = Array.from({ length: 10 }, (_, i) => `key-${i}`);
const TUNING = { retainedEntriesMax: 10 };

// kvraft 3A PersistPartitionUnreliableLinearizable
Deno.test("the calls of 15 clients are linearizable after cuts of power and of a lossy network of 7 replicas", async () => {
  await using group = await KvGroup.start({ replicas: 7, unreliable: true });
  const { clients, recorder } = judgedClients(group, 15, KEYS);
  await runRounds(group, clients, { partitions: true, crashes: true });
  await assertLinearizable(recorder, 150);
});

// kvraft 3B SnapshotUnreliableRecoverConcurrentPartitionLinearizable
Deno.test("the calls of 15 clients are linearizable after every misfortune at once, with short logs", async () => {
  await using group = await KvGroup.start({ replicas: 7, unreliable: true, tuning: TUNING });
  const { clients, recorder } = judgedClients(group, 15, KEYS);
  await runRounds(group, clients, { partitions: true, crashes: true });
  await assertLinearizable(recorder, 150);
});

// The same without losses, where many more calls run into each other and into the cuts.
Deno.test("the calls of 15 clients are linearizable after cuts of power and network that lose none", async () => {
  await using group = await KvGroup.start({ replicas: 5, tuning: TUNING });
  const { clients, recorder } = judgedClients(group, 15, KEYS.slice(0, 5));
  await runRounds(group, clients, { partitions: true, crashes: true });
  await assertLinearizable(recorder, 800);
});
