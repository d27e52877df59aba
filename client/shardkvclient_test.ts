import { assert, assertEquals, assertMatch } from "@std/assert";
import { KvError } from "../rpc/errors.ts";
import { systemClock } from "../runtime/clock.ts";
import { createPrng } from "../runtime/prng.ts";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import { OutputError } from "./cli/cli_streams.ts";
import type { KvCliIo } from "./cli/kv_cli_io.ts";
import { main } from "./shardkvclient.ts";
import { FakeCluster } from "./testing/fake_cluster.ts";

interface Outcome {
  readonly code: number;
  /** A character per byte. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Each run is another client, as in another process. */
let runs = 0;

async function run(cluster: FakeCluster, args: string[], io?: Partial<KvCliIo>): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const print: KvCliIo["stdout"] = (data) =>
    void (stdout += Buffer.from(data as string).toString("latin1"));
  const code = await main(args, {
    stdout: print,
    stdoutWhileRead: print,
    stderr: (text) => void (stderr += text),
    isTerminal: false,
    dialer: () => cluster.network.dialer(),
    clock: systemClock,
    prng: createPrng(++runs),
    onInterrupt: () => () => {},
    openAppend: () => {
      throw new Error("No such directory");
    },
    source: cluster,
    ...io,
  });
  return { code, stdout, stderr };
}

function aCluster(): FakeCluster {
  return new FakeCluster({ clock: systemClock });
}

Deno.test("shardkvclient tells why no controller answers, also if it has little time", async () => {
  const args = ["-ctrlers", "c:1,d:2", "-timeout", "200ms", "get", "k"];
  const { code, stderr } = await run(aCluster(), args, { source: undefined });
  assertEquals(code, 4);
  assertMatch(
    stderr,
    /^Cannot get key 'k' within 200 ms: it was never sent, because UNAVAILABLE: No controller has answered yet, of c:1, d:2 \(Cannot reach [cd]:\d .*\)\n$/,
  );
});

function printed(stdout: string): Outcome {
  return { code: 0, stdout, stderr: "" };
}

Deno.test("shardkvclient prints what eRaft's does, byte for byte", async () => {
  const cluster = aCluster();
  assertEquals(await run(cluster, ["put", "k", "v"]), printed("Put OK\n"));
  assertEquals(await run(cluster, ["append", "k", "w"]), printed("Append OK\n"));
  assertEquals(await run(cluster, ["get", "k"]), printed("vw\n"));
  assertEquals(await run(cluster, ["-ctrlers=a:1,b:2", "get", "k"]), printed("vw\n"));
  assertEquals(await run(cluster, ["put", "-k", ""]), printed("Put OK\n"));
  assertEquals(await run(cluster, ["get", "-k"]), printed("\n"));
});

Deno.test("shardkvclient tells by its exit code that a key is not there", async () => {
  const cluster = aCluster();
  const missing = { code: 3, stdout: "\n", stderr: 'There is no key "k"\n' };
  assertEquals(await run(cluster, ["get", "k"]), missing);
  assertEquals(await run(cluster, ["-eraft-strict", "get", "k"]), printed("\n"));
  assertEquals(await run(cluster, ["delete", "k"]), { ...missing, stdout: "" });
  await run(cluster, ["put", "k", "v"]);
  assertEquals(await run(cluster, ["delete", "k"]), printed("Delete OK\n"));
});

Deno.test("shardkvclient cas swaps, or says what the key holds", async () => {
  const cluster = aCluster();
  await run(cluster, ["put", "k", "a"]);
  assertEquals(await run(cluster, ["cas", "k", "a", "b"]), printed("Cas OK\n"));
  assertEquals(await run(cluster, ["cas", "k", "a", "c"]), {
    code: 1,
    stdout: "",
    stderr: 'Not swapped: "k" holds "b"\n',
  });
  assertEquals((await run(cluster, ["cas", "none", "a", "c"])).code, 3);
});

Deno.test("shardkvclient prints JSON with a schema version, and bytes that are no text as base64", async () => {
  const cluster = aCluster();
  const bytes = new Uint8Array([0xff, 0x00]);
  await using clerk = cluster.clerk();
  await clerk.put("binary", bytes);
  assertEquals(
    await run(cluster, ["-o", "json", "put", "text", "äö"]),
    printed('{"schemaVersion":1,"ok":true}\n'),
  );
  const utf8 = (text: string) => Buffer.from(text).toString("latin1");
  assertEquals(
    await run(cluster, ["-o", "json", "get", "text"]),
    printed(utf8('{"schemaVersion":1,"found":true,"key":"text","value":"äö"}\n')),
  );
  assertEquals(await run(cluster, ["-o", "raw", "get", "text"]), printed(utf8("äö")));
  assertEquals(
    await run(cluster, ["-o", "json", "get", "binary"]),
    printed('{"schemaVersion":1,"found":true,"key":"binary","value":{"base64":"/wA="}}\n'),
  );
  assertEquals(await run(cluster, ["get", "binary"]), printed('{"base64":"/wA="}\n'));
  assertEquals(await run(cluster, ["-o=raw", "get", "binary"]), printed("\xff\x00"));
  assertEquals(
    await run(cluster, ["-o", "json", "get", "none"]),
    { code: 3, stdout: '{"schemaVersion":1,"found":false,"key":"none"}\n', stderr: "" },
  );
});

Deno.test("shardkvclient scan ends as it failed, whoever reads what it found before", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1 });
  for (const key of ["a", "b"]) await run(cluster, ["put", key, "v"]);
  const pages = [1];
  Object.defineProperty(cluster.group(100), "pageKeysMax", {
    get: () => {
      const size = pages.pop();
      if (size === undefined) throw new KvError("INTERNAL", "Cannot read the table");
      return size;
    },
  });
  const stdoutWhileRead = () => {
    throw new Error("The process has ended");
  };
  const { code, stdout } = await run(cluster, ["scan"], { stdoutWhileRead });
  assertEquals([code, stdout], [1, "a\tv\n"]);
});

Deno.test("shardkvclient scan lists keys in order", async () => {
  const cluster = aCluster();
  for (const key of ["b", "a2", "a1"]) await run(cluster, ["put", key, `is ${key}`]);
  assertEquals(await run(cluster, ["scan"]), printed("a1\tis a1\na2\tis a2\nb\tis b\n"));
  assertEquals(await run(cluster, ["scan", "a"]), printed("a1\tis a1\na2\tis a2\n"));
  assertEquals(await run(cluster, ["scan", "-limit", "1", "-keys-only"]), printed("a1\n"));
  assertEquals(
    await run(cluster, ["-o", "json", "scan", "b"]),
    printed('{"schemaVersion":1,"key":"b","value":"is b"}\n'),
  );
});

Deno.test("shardkvclient status prints eRaft's columns, offline servers with zeros", async () => {
  const cluster = new FakeCluster({ clock: systemClock, groups: 1, replicas: 2, shards: 2 });
  cluster.stop("100-1");
  const { code, stdout, stderr } = await run(cluster, ["status"]);
  assertEquals(
    stdout,
    "GID-ID     Address                   Role            Term       Applied    Commit          Storage(B)     \n" +
      `${"-".repeat(105)}\n` +
      "100-0      100-0                     Leader          3          41         42              4096           \n" +
      "  Shards:\n" +
      "  ShardID    Status          Keys            Bytes          \n" +
      "  0          Serving         0               0              \n" +
      "  1          Serving         0               0              \n" +
      "\n" +
      "100-1      100-1                     Offline         0          0          0               0              \n",
  );
  assertEquals(code, 0);
  assertMatch(stderr, /^100-1 is offline: .*\n$/);
  cluster.stop("100-0");
  assertEquals((await run(cluster, ["status"])).code, 4);
  const { nodes } = JSON.parse((await run(cluster, ["-o", "json", "status"])).stdout);
  assertEquals([nodes[1].role, nodes[1].error.code], ["Offline", "UNAVAILABLE"]);
});

Deno.test("shardkvclient bench prints eRaft's summary and the latencies below it", async () => {
  const { code, stdout } = await run(aCluster(), ["bench", "250", "2"]);
  assertEquals(code, 0);
  assertMatch(
    stdout,
    new RegExp(`^Starting benchmark with 250 requests using 2 concurrent clients\\.\\.\\.
Progress: 100 requests completed\\.\\.\\.

Benchmark Results:
==================
Total Requests:    250
Concurrent Clients: 2
Successful:        250
Failed:            0
Duration:          [\\d.]+m?s
Throughput:        \\d+\\.\\d\\d req/s
Avg Latency:       \\d+\\.\\d\\d ms
Mean Latency:      \\d+\\.\\d\\d ms
p50 Latency:       \\d+\\.\\d\\d ms
p90 Latency:       \\d+\\.\\d\\d ms
p99 Latency:       \\d+\\.\\d\\d ms
p99\\.9 Latency:     \\d+\\.\\d\\d ms
Max Latency:       \\d+\\.\\d\\d ms
$`),
  );
});

Deno.test("shardkvclient bench does what its options say", async () => {
  const cluster = aCluster();
  for (const mode of ["get", "append", "mixed", "put"]) {
    const options = ["-mode", mode, "-keys", "20", "-value-size", "7"];
    const { stdout } = await run(cluster, ["-o", "json", "bench", ...options, "100", "4"]);
    const { bench } = JSON.parse(stdout);
    assertEquals([bench.mode, bench.successful, bench.failed], [mode, 100, 0]);
    assert(bench.latencyMs.p50 <= bench.latencyMs.max);
  }
  const data = cluster.allShards().flatMap((shard) => [...shard.data]);
  assertEquals(data.length, 20);
  assert(data.every(([key, value]) => key.startsWith("bench-key-") && value.length % 7 === 0));
});

Deno.test("shardkvclient bench records every acknowledged put, and counts those that failed", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock, shards: 2 });
  cluster.group(101).fault = () => "hang";
  let record = "";
  const openAppend = () => ({ append: (text: string) => void (record += text), close: () => {} });
  const args = ["-timeout", "1s", "bench", "-record", "acknowledged", "20"];
  const { code, stdout, stderr } = await clock.resolve(
    run(cluster, args, { clock, openAppend }),
    60_000,
  );
  const lines = record.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.length, Number(/Successful: +(\d+)/.exec(stdout)?.[1]));
  assertEquals(lines.length + Number(/Failed: +(\d+)/.exec(stdout)?.[1]), 20);
  assertEquals(code, 4);
  assertMatch(stderr, /^The first failure: Cannot put key/);
  const shard = cluster.group(100).shards.get(0);
  for (const { key, sha256 } of lines) {
    const value = shard?.data.get(key) ?? new Uint8Array();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(value)));
    assertEquals(sha256, Buffer.from(digest).toString("hex"));
  }
});

Deno.test("shardkvclient bench tells what it has measured when it is interrupted", async () => {
  for (const rate of [[], ["-rate", "1"]]) {
    const clock = new VirtualClock();
    const cluster = new FakeCluster({ clock, groups: 1 });
    cluster.group(100).delayMs = () => 10;
    let interrupt = () => {};
    let isListening = false;
    const onInterrupt = (listener: () => void) => {
      interrupt = listener;
      isListening = true;
      return () => void (isListening = false);
    };
    const args = ["-o", "json", "bench", ...rate, "-duration", "1h", "-clients", "2"];
    const outcome = run(cluster, args, { clock, onInterrupt });
    await clock.advance(1_500);
    interrupt();
    const { code, stdout } = await clock.resolve(outcome, 100);
    const { bench } = JSON.parse(stdout);
    assertEquals([code, bench.failed, bench.error, isListening], [130, 0, null, false]);
    assert(bench.successful > 0 && bench.requests === bench.successful, stdout);
  }
});

Deno.test("shardkvclient bench says in one line that its record cannot be written", async () => {
  let closed = 0;
  const openAppend = () => ({
    append: () => {
      throw new OutputError("Cannot write the output: no space", { cause: new Error("no space") });
    },
    close: () => void closed++,
  });
  const args = ["bench", "-record", "acknowledged", "20"];
  const { code, stdout, stderr } = await run(aCluster(), args, { openAppend });
  assertEquals([code, stderr, closed], [1, "Cannot write the record acknowledged: no space\n", 1]);
  assertMatch(stdout, /Successful: +20\n/);
});

Deno.test("shardkvclient gives up at its timeout", async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster({ clock });
  for (const address of cluster.servers.keys()) cluster.stop(address);
  const args = ["-timeout", "2s", "put", "k", "v"];
  const { code, stderr } = await clock.resolve(run(cluster, args, { clock }), 3_000);
  assertEquals(code, 4);
  assertMatch(stderr, /^Cannot put key 'k' within 2000 ms: .*; the write did not happen\n$/);
});

Deno.test("shardkvclient answers missing arguments with eRaft's usage and code 2", async () => {
  const cluster = aCluster();
  const usages: [string[], string][] = [
    [["get"], "Usage: get <key>\n"],
    [["put", "k"], "Usage: put <key> <value>\n"],
    [["append", "k"], "Usage: append <key> <value>\n"],
    [["delete", "a", "b"], "Usage: delete <key>\n"],
    [["cas", "k", "v"], "Usage: cas <key> <expected> <new>\n"],
  ];
  for (const [args, usage] of usages) {
    assertEquals(await run(cluster, args), { code: 2, stdout: usage, stderr: "" });
  }
  assertMatch(
    (await run(cluster, ["bench"])).stdout,
    /^Usage: bench <num_requests> \[num_clients\]\n/,
  );
  const { code, stdout } = await run(cluster, []);
  assertEquals(code, 2);
  assertMatch(stdout, /^Usage: shardkvclient \[options\] <command> \[args\]\n/);
});

Deno.test("shardkvclient tells who puts flags behind the command where they go", async () => {
  const cluster = aCluster();
  const usage = "Usage: get <key>\n";
  const told: [string[], string][] = [
    [["get", "k", "-o", "json"], 'Cannot use "-o" here; flags go before the command\n'],
    [["get", "--o=raw", "k"], 'Cannot use "--o=raw" here; flags go before the command\n'],
    [["get", "k", "-5"], ""],
    [["get", "my", "key"], ""],
  ];
  for (const [args, stderr] of told) {
    assertEquals(await run(cluster, args), { code: 2, stdout: usage, stderr });
  }
  // As many words as there are to be: this one is a key.
  assertEquals((await run(cluster, ["get", "-o"])).code, 3);
});

Deno.test("shardkvclient answers nonsense with one clear line and code 2", async () => {
  const cluster = aCluster();
  const lines: [string[], string][] = [
    [
      ["frobnicate"],
      'Cannot do "frobnicate": the commands are get, put, append, delete, cas, scan, status, bench\n',
    ],
    [["bench", "x"], 'Invalid number of requests: "x" is not an integer in 1..1000000000\n'],
    [["bench", "0"], 'Invalid number of requests: "0" is not an integer in 1..1000000000\n'],
    [["bench", "9", "-1"], 'Invalid number of clients: "-1" is not an integer in 1..65536\n'],
    [["get", ""], "Cannot use a key of 0 bytes: it must have 1 to 4096\n"],
    [["put", "k".repeat(5_000), "v"], "Cannot use a key of 5000 bytes: it must have 1 to 4096\n"],
    [
      ["scan", "a", "-limit", "1"],
      'Cannot scan with the arguments "a -limit 1": options come first, then one prefix\n',
    ],
  ];
  for (const [args, stderr] of lines) {
    assertEquals(await run(cluster, args), { code: 2, stdout: "", stderr });
  }
  const flags: [string[], RegExp][] = [
    [["-x", "get", "k"], /^flag provided but not defined: -x\nUsage of shardkvclient:\n/],
    [["-timeout", "soon", "get", "k"], /^invalid value "soon" for flag -timeout: /],
    [["-timeout", "0", "get", "k"], /^invalid value "0" for flag -timeout: /],
    [["-o", "xml", "get", "k"], /^invalid value "xml" for flag -o: it must be one of text/],
    [["-ctrlers", "", "get", "k"], /^invalid value "" for flag -ctrlers: /],
    [["-ctrlers", "host", "get", "k"], /^invalid value "host" for flag -ctrlers: /],
    [["bench", "-mode", "fly", "1"], /^invalid value "fly" for flag -mode: /],
    [["scan", "-limit", "-1"], /^invalid value "-1" for flag -limit: /],
  ];
  for (const [args, pattern] of flags) {
    const { code, stderr } = await run(cluster, args);
    assertEquals(code, 2);
    assertMatch(stderr, pattern);
  }
  assertEquals((await run(cluster, ["-h"])).code, 0);
  assertEquals(
    (await run(cluster, ["bench", "-record", "f", "1"])).stderr,
    "Cannot open the record f: No such directory\n",
  );
});

Deno.test("shardkvclient prints its versions on standard output for -version", async () => {
  const { code, stdout, stderr } = await run(aCluster(), ["-version"]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^shardkvclient \d+\.\d+\.\d+\nrevision: .+\nDeno: .+\nRocksDB: .+\n$/);
});
