import { assertEquals, assertStringIncludes } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { main } from "../shardctrlerclient.ts";
import { groupStatus } from "../status/node_status.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each run is another client, as in another process. */
let runs = 0;

/** Runs `shardctrlerclient` against the store's controllers. */
async function run(store: StoreCluster, ...args: string[]): Promise<Outcome> {
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
  const store = await StoreCluster.start({ shards: 4, gids: [100], replicas: 3 });
  await store.join(100);
  await store.settle(100);
  return store;
}

/** `id address role` of every member. */
async function members(store: StoreCluster, gid: string): Promise<string[]> {
  const { stdout } = await run(store, "-o", "json", "member", "list", gid);
  const list = JSON.parse(stdout).members as { id: number; address: string; role: string }[];
  return list.map(({ id, address, role }) => `${id} ${address} ${role}`);
}

function textOf(value: Uint8Array | undefined): string {
  return new TextDecoder().decode(value);
}

function followersOf(store: StoreCluster): number[] {
  return [0, 1, 2].filter((position) => position !== store.leader(100));
}

Deno.test("member list prints who belongs to a group", async () => {
  await using store = await startStore();
  await store.run(store.clerk.put("k", "v"));
  const { code, stdout } = await run(store, "member", "list", "100");
  assertEquals(code, 0);
  const lines = stdout.split("\n");
  assertEquals(lines[0], "ID    Address                   Role            Lag        State     ");
  assertEquals(lines.filter((line) => line.includes("Leader")).length, 1);
  assertEquals(lines.filter((line) => line.includes("Follower")).length, 2);
  assertEquals(await members(store, "0"), ["0 ctrl-0:1 Leader"]);
});

Deno.test("a member is added, learns, is promoted and replaces another, while clients go on", async () => {
  await using store = await startStore();
  const [gone = 0] = followersOf(store);
  const added = await run(store, "member", "add", "100", store.address(100, 3));
  assertEquals(added.code, 0);
  assertStringIncludes(added.stdout, "Member 3 added");
  assertStringIncludes(added.stdout, "-join g100-3:1");
  await store.run(store.clerk.put("before", "1"));
  assertEquals(await store.startAdded(100), 3);
  await store.ctrl.clock.advance(2_000);
  assertEquals((await run(store, "member", "promote", "100", "3")).stdout, "Member promote OK\n");
  assertEquals((await run(store, "member", "remove", "100", String(gone))).code, 0);
  await store.run(store.clerk.put("after", "2"));

  const expected = [0, 1, 2, 3].filter((position) => position !== gone);
  const list = await members(store, "100");
  assertEquals(list.map((line) => Number(line[0])), expected);
  // The configuration's list of servers follows.
  await store.ctrl.clock.advance(5_000);
  const config = await store.run(store.admin.query());
  assertEquals(config.groups.get(100), expected.map((position) => store.address(100, position)));
  // Status tells servers by their own ids, not by their places in that list.
  const statuses = await store.run(groupStatus(config, store.ctrl.dialer("status")));
  assertEquals(statuses.filter(({ error }) => !error).map(({ id }) => id), expected);
  // The newcomer counts: with one of the old ones down it makes up the majority.
  const [old = 0] = expected;
  await store.crash(100, old);
  await store.run(store.clerk.put("by the newcomer", "3"));
  const values = await Promise.all(
    ["before", "after", "by the newcomer"].map((key) => store.run(store.clerk.get(key))),
  );
  assertEquals(values.map(textOf), ["1", "2", "3"]);
  assertEquals(store.failures, []);
});

Deno.test("the leader itself is removed, and the group goes on under another", async () => {
  await using store = await startStore();
  const leader = store.leader(100);
  assertEquals((await run(store, "member", "remove", "100", String(leader))).code, 0);
  await store.run(store.clerk.put("k", "v"));
  await store.stop(100, leader);
  await store.run(store.clerk.append("k", "w"));
  assertEquals(textOf(await store.run(store.clerk.get("k"))), "vw");
  // Started again it is turned away, and disturbs nobody.
  await store.start(100, leader);
  await store.ctrl.clock.advance(20_000);
  await store.run(store.clerk.append("k", "x"));
  assertEquals(store.node(100, leader).status().state === "Leader", false);
  assertEquals((await members(store, "100")).length, 2);
});

Deno.test("member transfer hands leadership over", async () => {
  await using store = await startStore();
  const [heir = 0] = followersOf(store);
  assertEquals((await run(store, "member", "transfer", "100", String(heir))).code, 0);
  await store.until(() => store.leader(100) === heir, 5_000);
});

Deno.test("a replica that has lost its disk is refused, and comes back as a new member", async () => {
  await using store = await startStore();
  await store.run(store.clerk.put("k", "v"));
  const [wiped = 0, other = 0] = followersOf(store);
  await store.crash(100, wiped);
  store.wipe(100, wiped);
  await store.start(100, wiped);
  await store.ctrl.clock.advance(20_000);
  assertEquals(store.node(100, wiped).status().lastApplied, 0);
  // Two of three are there, and the one without a memory must not make up a majority.
  await store.crash(100, other);
  const write = store.clerk.put("k", "w", { timeoutMs: 5_000 }).then(() => "written", () => "lost");
  assertEquals(await store.run(write), "lost");
  await store.start(100, other);
  await store.run(store.clerk.put("k", "x"));
  await run(store, "member", "remove", "100", String(wiped));
  await run(store, "member", "add", "100", store.address(100, 3));
  await store.startAdded(100);
  await store.ctrl.clock.advance(2_000);
  assertEquals((await run(store, "member", "promote", "100", "3")).code, 0);
  assertEquals(textOf(await store.run(store.clerk.get("k"))), "x");
});

const REFUSALS: readonly [string, readonly string[], string][] = [
  ["a group nobody knows", ["list", "7"], "Cannot find group 7"],
  ["a member nobody knows", ["promote", "100", "9"], "Cannot find node 9"],
  ["the address of a voter", ["add", "100", "g100-0:1"], "it is the address of node 0"],
];
for (const [what, words, reason] of REFUSALS) {
  Deno.test(`member ${words[0]} refuses ${what}`, async () => {
    await using store = await startStore();
    await run(store, "member", "add", "100", "nowhere:1");
    const { code, stderr } = await run(store, "member", ...words);
    assertEquals(code, 1);
    assertStringIncludes(stderr, reason);
  });
}

Deno.test("member promote waits for a learner that has just been started", async () => {
  await using store = await startStore();
  await run(store, "member", "add", "100", store.address(100, 3));
  await store.startAdded(100);
  const { code, stdout, stderr } = await run(store, "member", "promote", "100", "3");
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "Member promote OK\n", stderr: "" });
});

Deno.test("member promote gives up on a learner that never started, and says why", async () => {
  await using store = await startStore();
  await run(store, "member", "add", "100", "nowhere:1");
  const { code, stderr } = await run(store, "-timeout", "5s", "member", "promote", "100", "3");
  assertEquals(code, 4);
  assertStringIncludes(stderr, "Cannot finish promoting a member within 5000 ms: it had no effect");
  assertStringIncludes(stderr, "nothing is heard from it; start it if it is not running");
});

Deno.test("member remove refuses to leave a group without a majority", async () => {
  await using store = await startStore();
  const [down = 0, up = 0] = followersOf(store);
  await store.crash(100, down);
  await store.ctrl.clock.advance(5_000);
  const { code, stderr } = await run(store, "member", "remove", "100", String(up));
  assertEquals(code, 1);
  assertStringIncludes(stderr, "only 1 are up, and 2 are needed");
  assertEquals((await run(store, "member", "remove", "100", String(down))).code, 0);
});
