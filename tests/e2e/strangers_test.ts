/** Servers on a network meet more than their clients: scans, browsers, garbage, the lost. */
import { assert, assertEquals } from "@std/assert";
import { allNodes } from "../../tasks/cluster/plan.ts";
import { TestCluster } from "./cluster_harness.ts";
import { residentBytes } from "./memory.ts";

/** More than connections, buffers and a lazy collector explain; a leak grows past it. */
const GROWTH_BYTES_MAX = 96 << 20;

interface Endpoint {
  readonly hostname: string;
  readonly port: number;
}

/** Sends bytes and reads until the server closes, or for a moment. */
async function pester(endpoint: Endpoint, bytes: Uint8Array): Promise<void> {
  using connection = await Deno.connect(endpoint);
  try {
    await connection.write(bytes);
    await connection.closeWrite();
    const buffer = new Uint8Array(4096);
    while (await connection.read(buffer) !== null);
  } catch {
    // The server may cut such a caller off at any point.
  }
}

/** Opens a connection, sends what may begin a request, and is gone. */
async function drop(endpoint: Endpoint, bytes: Uint8Array): Promise<void> {
  const connection = await Deno.connect(endpoint);
  await connection.write(bytes).catch(() => {});
  connection.close();
}

const encoder = new TextEncoder();
const HTTP2_PREFACE = encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const EMPTY_SETTINGS = new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]);

function garbage(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

async function besiege(endpoint: Endpoint): Promise<void> {
  await pester(endpoint, encoder.encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  await pester(endpoint, encoder.encode("POST /x HTTP/1.1\r\nContent-Length: 99999\r\n\r\nx"));
  for (const length of [1, 9, 100, 4096, 60_000]) await pester(endpoint, garbage(length));
  await pester(endpoint, concat(HTTP2_PREFACE, garbage(2000)));
  await pester(endpoint, concat(HTTP2_PREFACE, EMPTY_SETTINGS, garbage(2000)));
  for (let round = 0; round < 25; round++) {
    await Promise.all(Array.from({ length: 40 }, (_, index) => {
      const begun = index % 2 === 0 ? concat(HTTP2_PREFACE, EMPTY_SETTINGS) : new Uint8Array();
      return drop(endpoint, begun);
    }));
  }
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("servers outlive port scans, HTTP/1, random bytes and dropped connections", async () => {
  await using cluster = await TestCluster.start({ groups: 1, replicas: 1 });
  await cluster.clerk.put("before", "1");
  const nodes = allNodes(cluster.plan);
  const pids = cluster.processes.processes.map((node) => node.pid);
  const endpoints = nodes.map(({ address }) => {
    const { hostname, port } = new URL(`http://${address}`);
    return { hostname, port: Number(port) };
  });
  // Once to warm up: code is compiled and heaps take their working size.
  for (const endpoint of endpoints) await besiege(endpoint);
  const sizes = await Promise.all(pids.map(residentBytes));
  for (const endpoint of endpoints) await besiege(endpoint);
  const later = await Promise.all(pids.map(residentBytes));

  assertEquals(cluster.deaths, []);
  await cluster.clerk.put("after", "2");
  assertEquals(await cluster.clerk.get("before"), encoder.encode("1"));
  for (const [index, size] of sizes.entries()) {
    const growth = (later[index] ?? 0) - size;
    assert(growth < GROWTH_BYTES_MAX, `${nodes[index]?.label} grew by ${growth} bytes`);
  }
});
