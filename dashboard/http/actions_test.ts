import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { KvError } from "../../rpc/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { createPrng } from "../../runtime/prng.ts";
import { StoreCluster } from "../../shardkv/testing/store_cluster.ts";
import { commandOf } from "./action_input.ts";
import { ActionDesk } from "./actions.ts";
import { FAILURES_MAX, FAILURES_MS } from "./admin_guard.ts";
import { TestHandler, TOKEN } from "./handler_testing.ts";
import { BODY_BYTES_MAX } from "./request_guard.ts";

const PREVIEW = "/api/v1/actions/preview";
const RUN = "/api/v1/actions/run";
const MOVE = { kind: "moveShard", shardId: 3, gid: 1 };

Deno.test("A preview tells the moves and the command line, and changes nothing", async () => {
  using it = new TestHandler({ token: TOKEN });
  assertEquals((await it.post(PREVIEW, MOVE)).body, {
    command: "shardctrlerclient move 3 1",
    moves: [{ shardId: 3, fromGid: 2, toGid: 1 }],
    refusal: null,
  });
  const join = { kind: "addGroup", gid: 9, servers: ["a:1", "b:1", "c:1"] };
  const added = await it.post(PREVIEW, join);
  assertEquals(added.body.command, "shardctrlerclient join 9=a:1,b:1,c:1");
  assertEquals(added.body.moves.length, 1);
  const leave = await it.post(PREVIEW, { kind: "removeGroup", gid: 2 });
  assertEquals(leave.body.command, "shardctrlerclient leave 2");
  assertEquals(leave.body.moves.map(({ toGid }: { toGid: number }) => toGid), [1, 1]);
  assertEquals(it.changes, []);
});

Deno.test("A preview says why an action would be refused", async () => {
  using it = new TestHandler({ token: TOKEN });
  const refusal = async (action: unknown) => (await it.post(PREVIEW, action)).body.refusal;
  assertMatch(await refusal({ kind: "moveShard", shardId: 99, gid: 1 }), /shards 0\.\.3/);
  assertMatch(await refusal({ kind: "removeGroup", gid: 7 }), /not part of the cluster/);
  assertMatch(await refusal({ kind: "addGroup", gid: 1, servers: ["x:1"] }), /is part of/);
  const transfer = (gid: number, nodeId: number) =>
    refusal({ kind: "transferLeader", gid, nodeId });
  assertEquals(await transfer(1, 1), null);
  assertEquals(await transfer(0, 2), null);
  assertMatch(await transfer(1, 0), /it leads already/);
  assertMatch(await transfer(1, 2), /it does not answer/);
  assertMatch(await transfer(1, 8), /no such member/);
  assertMatch(await transfer(8, 0), /group 8 is not known/);
});

Deno.test("An action is done, and shows soon; one that is refused says why", async () => {
  using it = new TestHandler({ token: TOKEN });
  assertEquals(await it.post(RUN, MOVE), {
    status: 200,
    body: { command: "shardctrlerclient move 3 1", message: "Configuration 5 is in force" },
  });
  assertEquals(it.changes, [{ kind: "move", shard: 3, gid: 1 }]);
  assertEquals(it.wakes, 1);
  const refused = await it.post(RUN, { kind: "removeGroup", gid: 7 });
  assertEquals([refused.status, refused.body.error.code], [404, "NOT_FOUND"]);
  assertEquals(it.wakes, 1);
});

Deno.test("Without an admin token nobody changes anything", async () => {
  using it = new TestHandler();
  const { status, body } = await it.post(RUN, MOVE);
  assertEquals([status, body.error.code], [403, "READ_ONLY"]);
  assertEquals((await it.json("/api/v1/actions")).body, { enabled: false, authorized: false });
});

Deno.test("Only who knows the admin token changes anything", async () => {
  using it = new TestHandler({ token: TOKEN });
  for (const authorization of ["", `Bearer ${TOKEN}x`, `Basic ${TOKEN}`, "Bearer "]) {
    const { status, body } = await it.post(RUN, MOVE, { authorization });
    assertEquals([status, body.error.code], [401, "UNAUTHORIZED"], authorization);
  }
  assertEquals(it.changes, []);
  const support = async (headers: Record<string, string>) =>
    (await it.json("/api/v1/actions", { headers })).body;
  assertEquals(await support({}), { enabled: true, authorized: false });
  const authorization = `bearer ${TOKEN}`;
  assertEquals(await support({ authorization }), { enabled: true, authorized: true });
});

Deno.test("Guessing the token is slow, for the address that guesses", async () => {
  using it = new TestHandler({ token: TOKEN });
  const wrong = { authorization: "Bearer wrong" };
  for (let i = 0; i < FAILURES_MAX; i++) {
    assertEquals((await it.post(RUN, MOVE, wrong, "10.0.0.1")).status, 401);
  }
  // Even the right one is not looked at: a guess must not be told from another.
  const { status, body } = await it.post(RUN, MOVE, {}, "10.0.0.1");
  assertEquals([status, body.error.code], [429, "TOO_MANY_ATTEMPTS"]);
  assertEquals((await it.post(RUN, MOVE, {}, "10.0.0.2")).status, 200);
  await it.clock.advance(FAILURES_MS);
  assertEquals((await it.post(RUN, MOVE, {}, "10.0.0.1")).status, 200);
});

Deno.test("A page of another site cannot act, whatever it knows", async () => {
  using it = new TestHandler({ token: TOKEN });
  for (
    const headers of [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://localhost:9999" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ]
  ) {
    const { status, body } = await it.post(RUN, MOVE, headers);
    assertEquals([status, body.error.code], [403, "FOREIGN_ORIGIN"], JSON.stringify(headers));
  }
  const own = { origin: "http://localhost:8080", "sec-fetch-site": "same-origin" };
  assertEquals((await it.post(PREVIEW, MOVE, own)).status, 200);
});

Deno.test("Bodies that are no action are refused with what is wrong", async () => {
  using it = new TestHandler({ token: TOKEN });
  const cases: [unknown, string][] = [
    [null, "'kind'"],
    [{ kind: "format" }, "'kind'"],
    [{ ...MOVE, shardId: -1 }, "'shardId'"],
    [{ ...MOVE, shardId: "3" }, "'shardId'"],
    [{ ...MOVE, gid: 0 }, "'gid'"],
    [{ kind: "addGroup", gid: 9, servers: "a:1" }, "'servers'"],
    [{ kind: "addGroup", gid: 9, servers: ["a:1; reboot"] }, "'servers'"],
    [{ kind: "transferLeader", gid: 1, nodeId: 1.5 }, "'nodeId'"],
  ];
  for (const [action, part] of cases) {
    const { status, body } = await it.post(RUN, action);
    assertEquals(status, 400);
    assert(body.error.message.includes(part), body.error.message);
  }
  const authorization = `Bearer ${TOKEN}`;
  const send = async (body: string, type: string) =>
    (await it.json(RUN, { method: "POST", body, headers: { authorization, "content-type": type } }))
      .status;
  assertEquals(await send("{", "application/json"), 400);
  assertEquals(await send(JSON.stringify(MOVE), "text/plain"), 415);
  assertEquals(await send(" ".repeat(BODY_BYTES_MAX + 1), "application/json"), 413);
  assertEquals(it.changes, []);
});

Deno.test("commandOf() names the controllers unless the command line finds them by itself", () => {
  const action = { kind: "transferLeader", gid: 0, nodeId: 2 } as const;
  const usual = ["127.0.0.1:50051", "localhost:50052", "127.0.0.1:50053"];
  assertEquals(commandOf(action, usual), "shardctrlerclient member transfer 0 2");
  assertEquals(
    commandOf(action, ["db1:50051", "db2:50051"]),
    "shardctrlerclient -cluster db1:50051,db2:50051 member transfer 0 2",
  );
});

Deno.test("A group is joined once its servers have said which one it is", async () => {
  await using store = await StoreCluster.start({ shards: 4, gids: [100] });
  const desk = new ActionDesk({
    clerk: store.admin,
    controllers: store.ctrl.addresses,
    dialer: store.ctrl.dialer("dashboard"),
    clock: store.ctrl.clock,
    prng: createPrng(1),
    logger: silentLogger,
    state: () => undefined,
    onChanged: () => {},
  });
  const add = (gid: number, servers: string[]) =>
    store.run(desk.run({ kind: "addGroup", gid, servers }, "here"));
  await add(100, store.addresses(100));
  const { identities } = await store.run(store.admin.query());
  assertEquals([...identities], [[100, store.node(100).status().identity]]);
  await assertRejects(() => add(101, ["nobody:1"]), KvError, "it is not there");
});
