import { assert, assertEquals, assertMatch } from "@std/assert";
import { configOf, group, node, NOW } from "../state/state_testing.ts";
import { TestHandler } from "./handler_testing.ts";

Deno.test("GET /api/dashboard has eRaft's shape, and tells the truth where eRaft does not", async () => {
  using it = new TestHandler();
  const { status, body } = await it.json("/api/dashboard");
  assertEquals([status, Object.keys(body)], [200, ["topology", "metrics", "shards"]]);
  const { topology, metrics, shards } = body;
  assertEquals(Object.keys(topology), [
    "configCluster",
    "shardGroups",
    "shardMap",
    "totalShards",
    "updatedAt",
  ]);
  assertEquals(Object.keys(topology.configCluster), [
    "configNum",
    "nodes",
    "leaderId",
    "totalStorage",
  ]);
  assertEquals(topology.shardMap, { "0": 1, "1": 1, "2": 2, "3": 2 });
  assertEquals(topology.totalShards, 4);
  assertEquals(topology.updatedAt, new Date(NOW).toISOString());
  const [first, second] = topology.shardGroups;
  assertEquals([first.groupId, first.shards, first.leaderId, first.totalStorage], [
    1,
    [0, 1],
    0,
    3_000,
  ]);
  assertEquals(second.groupId, 2);
  assertEquals(first.nodes[2], {
    id: 2,
    address: "g1:6002",
    role: "Offline",
    term: 3,
    commitIndex: 50,
    lastApplied: 50,
    storageBytes: 1_000,
    healthy: false,
    lastSeen: new Date(NOW - 5_000).toISOString(),
  });
  assertEquals(metrics, {
    totalNodes: 9,
    healthyNodes: 8,
    totalStorage: 9_000,
    totalKeys: 40,
    totalShards: 4,
    averageLoad: 2,
    updatedAt: new Date(NOW).toISOString(),
  });
  assertEquals(shards[0], { shardId: 0, groupId: 1, state: "Serving", keys: 10, bytes: 100 });
  assertEquals((await it.json("/api/topology")).body, topology);
  assertEquals((await it.json("/api/metrics")).body, metrics);
});

Deno.test("A group without a leader has -1, one without shards a list, and a server never seen no time", async () => {
  const silent = node(3, 0, {}, { isUp: false, answer: undefined, lastSeen: null });
  const config = configOf(2, [1], [1, 3]);
  using it = new TestHandler({ seen: { config, nodes: [...group(0), ...group(1), silent] } });
  const { body } = await it.json("/api/topology");
  const [, empty] = body.shardGroups;
  assertEquals([empty.leaderId, empty.shards], [-1, []]);
  assertEquals([empty.nodes[0].role, empty.nodes[0].lastSeen], ["Offline", null]);
});

Deno.test("Before the first look there is nothing to tell, and probes are told so", async () => {
  using it = new TestHandler({ seen: undefined });
  const classic = await it.ask("/api/dashboard");
  assertEquals([classic.status, await classic.text()], [503, "Data not ready\n"]);
  assertEquals((await it.json("/api/v1/state")).body.error.code, "NOT_READY");
  assertEquals((await it.ask("/livez")).status, 200);
  assertEquals((await it.ask("/readyz")).status, 503);
  using ready = new TestHandler();
  assertEquals((await ready.ask("/readyz")).status, 200);
});

Deno.test("GET /api/v1/state and history answer with JSON that is not to be kept", async () => {
  using it = new TestHandler();
  const response = await it.ask("/api/v1/state");
  assertEquals(response.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals((await response.json()).overview.nodesTotal, 9);
  assertEquals((await it.json("/api/v1/history")).body, { times: [], series: [] });
});

Deno.test("GET /api/v1/events streams a snapshot, and ends with the hub", async () => {
  using it = new TestHandler();
  const response = await it.ask("/api/v1/events");
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assertEquals(it.hub.clients, 1);
  it.hub.close();
  assertMatch(await response.text(), /^retry: 2000\n\nid: 77-0\nevent: snapshot\ndata: \{/);
});

Deno.test("HEAD /api/v1/events tells what GET would, and takes no client's place", async () => {
  using it = new TestHandler();
  const { status, headers, body } = await it.ask("/api/v1/events", { method: "HEAD" });
  assertEquals([status, headers.get("content-type"), body], [200, "text/event-stream", null]);
  assertEquals(it.hub.clients, 0);
});

Deno.test("Every answer carries the headers that keep other sites out", async () => {
  using it = new TestHandler();
  for (const path of ["/", "/api/v1/state", "/nothing", "/livez"]) {
    const { headers, body } = await it.ask(path);
    assertMatch(
      headers.get("content-security-policy") ?? "",
      /default-src 'none'; script-src 'self';/,
    );
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("referrer-policy"), "no-referrer");
    assertEquals(headers.get("access-control-allow-origin"), null);
    await body?.cancel();
  }
});

Deno.test("The page comes compressed or not, and only once if the browser has it", async () => {
  using it = new TestHandler();
  const plain = await it.ask("/", { headers: { "accept-encoding": "identity, gzip;q=0" } });
  assertEquals([plain.headers.get("content-encoding"), await plain.text()], [null, "page"]);
  assertEquals(plain.headers.get("content-type"), "text/html; charset=utf-8");
  const packed = await it.ask("/", { headers: { "accept-encoding": "br, gzip" } });
  assertEquals(packed.headers.get("content-encoding"), "gzip");
  const stream = packed.body?.pipeThrough(new DecompressionStream("gzip"));
  assertEquals(await new Response(stream).text(), "page");
  const etag = packed.headers.get("etag") ?? "";
  for (const tags of [etag, `"other", W/${etag}`, "*"]) {
    const known = await it.ask("/", { headers: { "if-none-match": tags } });
    assertEquals([known.status, await known.text()], [304, ""]);
  }
  assertEquals((await it.ask("/", { headers: { "if-none-match": '"other"' } })).status, 200);
  const head = await it.ask("/", { method: "HEAD" });
  assertEquals([head.status, head.headers.get("etag"), await head.text()], [200, etag, ""]);
});

Deno.test("Unknown paths, wrong methods and what lies outside are refused with a reason", async () => {
  using it = new TestHandler();
  for (const path of ["/nothing", "/api/v1/", "/__proto__", "/constructor", "/..%2fmain.ts"]) {
    const { status, body } = await it.json(path);
    assertEquals([status, body.error.code], [404, "NOT_FOUND"], path);
  }
  for (
    const [method, path, allow] of [
      ["POST", "/api/v1/state", "GET, HEAD"],
      ["DELETE", "/", "GET, HEAD"],
      ["OPTIONS", "/api/v1/events", "GET, HEAD"],
      ["GET", "/api/v1/actions/run", "POST"],
    ] as const
  ) {
    const response = await it.ask(path, { method });
    assertEquals([response.status, response.headers.get("allow")], [405, allow]);
    await response.body?.cancel();
  }
  assertEquals(it.hub.clients, 0);
});

Deno.test("A server for its own machine answers to no other name, one for others does", async () => {
  using local = new TestHandler();
  using open = new TestHandler({ isLocal: false });
  const ask = async (it: TestHandler, host: string) => {
    const response = await it.ask("/api/v1/state", { headers: { host } });
    await response.body?.cancel();
    return response.status;
  };
  for (const host of ["localhost:8080", "127.0.0.1", "127.8.8.8:1", "[::1]:8080", "LOCALHOST"]) {
    assertEquals(await ask(local, host), 200, host);
  }
  for (const host of ["evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"]) {
    assertEquals(await ask(local, host), 421, host);
    assertEquals(await ask(open, host), 200, host);
  }
});

Deno.test("What nobody expected is told to the operator, not to the caller", async () => {
  using it = new TestHandler({ pairs: new Map([["broken", null as unknown as Uint8Array]]) });
  const { status, body } = await it.json("/api/v1/keys/value?key=broken");
  assertEquals([status, body.error.code], [500, "INTERNAL"]);
  assert(it.errors[0] instanceof TypeError);
});
