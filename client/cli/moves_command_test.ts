import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { keyIn } from "../../shardkv/testing/machine_harness.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { main } from "../shardctrlerclient.ts";

const SHARDS = 2;
const TUNING = { limits: { chunkBytes: 2_000 } };

/** Group 100 with both shards, one of them with much in it, and group 200 with none. */
async function openStore(): Promise<StoreCluster> {
  const store = await StoreCluster.start({
    shards: SHARDS,
    gids: [100, 200],
    delayMs: 2,
    tuning: TUNING,
  });
  await store.join(100);
  await store.settle(100);
  await store.join(200);
  await store.settle(100, 200);
  await store.run(store.admin.move(0, 100));
  await store.run(store.admin.move(1, 100));
  await store.settle(100, 200);
  const entries = Array.from({ length: 1_000 }, (_, i) => {
    return [keyIn(0, SHARDS, i), "v".repeat(500)] as const;
  });
  await store.run(store.clerk.putMany(entries));
  return store;
}

/** Runs the program beside whatever else goes on. */
async function run(store: StoreCluster, ...args: string[]) {
  const outcome = { code: -1, stdout: "", stderr: "" };
  outcome.code = await store.run(
    main(["-cluster", store.ctrl.addresses.join(","), ...args], {
      stdout: (text) => void (outcome.stdout += text),
      stdoutWhileRead: (text) => void (outcome.stdout += text),
      stderr: (text) => void (outcome.stderr += text),
      dialer: () => store.ctrl.dialer("cli"),
      clock: store.ctrl.clock,
      prng: createPrng(5),
    }),
    600_000,
  );
  return outcome;
}

Deno.test("shardctrlerclient -wait move says 'Move OK' and shows the move until the shard has arrived", async () => {
  await using store = await openStore();
  const { code, stdout, stderr } = await run(store, "-wait", "move", "0", "200");
  assertEquals([code, stdout], [0, "Move OK\n"]);
  const lines = stderr.trimEnd().split("\n");
  assertMatch(lines[0] ?? "", /^Shard +From +To +Config +Phase +Keys +MiB +% /);
  assert(lines.some((line) => /^0 +100 +200 +\d+ +Copying +\d+ +0\.\d +\d+ /.test(line)), stderr);
  assertMatch(lines.at(-1) ?? "", /^No shard is on its way: configuration \d+ is in force$/);
  const { shards } = store.node(200).status();
  assertEquals(shards.map(({ shardId, status }) => [shardId, status]), [[0, "Serving"]]);
});

Deno.test("shardctrlerclient moves shows what is on its way, as a table or JSON", async () => {
  await using store = await openStore();
  const rest = await run(store, "moves");
  assertMatch(rest.stdout, /^No shard is on its way/);
  await run(store, "move", "0", "200");
  await store.until(() => store.node(200).status().moves.some(({ keysDone }) => keysDone > 100));
  const { stdout } = await run(store, "-o", "json", "moves");
  const { moves } = JSON.parse(stdout);
  assertEquals(moves.length, 1);
  const [{ shard, fromGid, gid, phase, keysDone, keysTotal, bytesTotal, percent }] = moves;
  assertEquals([shard, fromGid, gid, phase, keysTotal], [0, 100, 200, "Copying", 1_000]);
  assert(keysDone > 100 && keysDone <= 1_000 && bytesTotal > 500_000);
  assert(percent >= 10 && percent <= 100);
  const watched = await run(store, "-watch", "moves");
  assertEquals(watched.code, 0);
  assertStringIncludes(watched.stdout, "No shard is on its way");
});

Deno.test("shardctrlerclient -wait gives up when nothing comes forward, and says what it waited for", async () => {
  await using store = await openStore();
  await store.stop(100, 0);
  const { code, stdout, stderr } = await run(store, "-timeout", "5s", "-wait", "move", "0", "200");
  assertEquals([code, stdout], [4, "Move OK\n"]);
  assertMatch(stderr, /Cannot wait any longer: .*shard 0 from group 100 is Waiting/);
  await store.start(100, 0);
});

Deno.test("shardctrlerclient refuses -wait and -watch where they mean nothing", async () => {
  await using store = await StoreCluster.start({ shards: 1, gids: [] });
  assertEquals((await run(store, "-wait", "query")).code, 2);
  assertEquals((await run(store, "-watch", "status")).code, 2);
  assertEquals((await run(store, "moves", "now")).code, 2);
});
