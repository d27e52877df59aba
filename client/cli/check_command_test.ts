import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sleep } from "../../runtime/clock.ts";
import { createPrng } from "../../runtime/prng.ts";
import { userKey } from "../../shardkv/machine/machine_keys.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { machineKey, machinePrefix } from "../../storage/key_space.ts";
import { main } from "../shardctrlerclient.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each run is another client, as in another process. */
let runs = 0;

async function check(store: StoreCluster, ...args: string[]): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const code = await store.run(main(["-cluster", store.ctrl.addresses.join(","), ...args], {
    stdout: (text) => void (stdout += text),
    stdoutWhileRead: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    dialer: () => store.ctrl.network.dialer(),
    clock: store.ctrl.clock,
    prng: createPrng(++runs),
  }));
  return { code, stdout, stderr };
}

async function startStore(): Promise<StoreCluster> {
  const store = await StoreCluster.start({ shards: 4, gids: [100, 101], replicas: 3 });
  await store.join(100);
  await store.join(101);
  await store.settle(100, 101);
  return store;
}

/** Results in the order of the rows, without the heading. */
function results(stdout: string): (string | undefined)[] {
  return stdout.trimEnd().split("\n").slice(1).map((row) => row.split(/ +/).at(-1));
}

Deno.test("check finds all replicas equal, controllers too, after shards have moved", async () => {
  await using store = await startStore();
  for (let i = 0; i < 20; i++) await store.run(store.clerk.put(`key-${i}`, `${i}`));
  const { code, stdout, stderr } = await check(store, "check");
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.split("\n")[0]?.split(/ +/), [
    "GID",
    "ADDRESS",
    "INDEX",
    "RECORDS",
    "BYTES",
    "HASH",
    "RESULT",
  ]);
  assertEquals(results(stdout), Array.from({ length: 7 }, () => "equal"));
});

Deno.test("check compares at one index while a client writes without a pause", async () => {
  await using store = await startStore();
  let isOver = false;
  let written = 0;
  const writer = (async () => {
    for (; !isOver; written++) {
      await store.clerk.append(`key-${written % 8}`, "x");
      await sleep(store.ctrl.clock, 1);
    }
  })();
  const { code, stdout, stderr } = await check(store, "-o", "json", "check", "100");
  isOver = true;
  await store.run(writer);
  assertEquals([code, stderr], [0, ""]);
  assert(written > 3, `Only ${written} writes were made meanwhile`);
  const { replicas } = JSON.parse(stdout).groups[0];
  assertEquals(new Set(replicas.map(({ index }: { index: number }) => index)).size, 1);
});

Deno.test("check names the one replica that differs, and ends with 1", async () => {
  await using store = await startStore();
  await store.run(store.clerk.put("k", "v"));
  const key = machineKey(
    machinePrefix(1),
    userKey({ shard: 0, incarnation: 1 }, Buffer.from("stray")),
  );
  const { engine } = store.replica(100, 1);
  await engine.write([{ type: "put", key, value: Buffer.from("?") }], { sync: false });
  const { code, stdout, stderr } = await check(store, "check", "100");
  assertEquals(code, 1);
  assertEquals(results(stdout), ["equal", "differs", "equal"]);
  assertEquals(
    stderr,
    `${store.address(100, 1)} differs from the other replicas of group 100: ` +
      "replace it as a new member\n",
  );
  assertEquals((await check(store, "check", "101")).code, 0);
});

Deno.test("check names no replica where none has a majority behind it", async () => {
  await using store = await startStore();
  for (const position of [1, 2]) {
    const key = machineKey(machinePrefix(1), Buffer.from([0x7e, position]));
    const { engine } = store.replica(100, position);
    await engine.write([{ type: "put", key, value: Buffer.from("?") }], { sync: false });
  }
  const { code, stdout, stderr } = await check(store, "check", "100");
  assertEquals([code, results(stdout)], [1, ["differs", "differs", "differs"]]);
  assertStringIncludes(stderr, "The replicas of group 100 differ, and no majority holds the same");
});

Deno.test("check compares those that are up, says who is not, and ends with 4", async () => {
  await using store = await startStore();
  await store.crash(101, 2);
  const { code, stdout, stderr } = await check(store, "check");
  assertEquals(code, 4);
  const all = results(stdout);
  assertEquals(all.filter((result) => result === "equal").length, 6);
  assertEquals(all.at(-1), "unknown");
  assertStringIncludes(stderr, store.address(101, 2));
});

Deno.test("check refuses a group that nobody knows", async () => {
  await using store = await startStore();
  const { code, stderr } = await check(store, "check", "7");
  assertEquals([code, stderr], [1, "Cannot find group 7: it is not part of the cluster\n"]);
});
