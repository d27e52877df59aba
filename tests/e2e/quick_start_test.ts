/** The README's quick start by hand: its flags, its verbs, its output. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NodeProcess } from "../../tasks/cluster/node_process.ts";
import { PROJECT_ROOT } from "../../tasks/cluster/server_command.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { runProgram } from "./command_line.ts";
import { freePorts } from "./free_ports.ts";

const READY_TIMEOUT_MS = 60_000;
const SERVED_TIMEOUT_MS = 60_000;

function server(label: string, main: string, args: readonly string[]): NodeProcess {
  return new NodeProcess({
    label,
    args: ["run", "-A", "--quiet", `${PROJECT_ROOT}/${main}`, ...args],
  });
}

Deno.test("the quick start by hand works with eRaft's flags and prints what eRaft prints", async () => {
  const db = await Deno.makeTempDir({ prefix: "eraft_quick_start_" });
  const ports = freePorts(9).map((port) => `localhost:${port}`);
  const lists = [ports.slice(0, 3), ports.slice(3, 6), ports.slice(6, 9)] as const;
  const [controllers, group100, group101] = lists.map((list) => list.join(",")) as [
    string,
    string,
    string,
  ];
  const nodes: NodeProcess[] = [];
  try {
    for (const id of ["0", "1", "2"]) {
      nodes.push(server(`ctrler-${id}`, "shardctrler/main.ts", [
        ...["-id", id, "-cluster", controllers, "-db", `${db}/sc`],
      ]));
      for (const [gid, cluster] of [["100", group100], ["101", group101]] as const) {
        nodes.push(server(`${gid}-${id}`, "shardkv/main.ts", [
          ...["-id", id, "-gid", gid, "-cluster", cluster, "-ctrlers", controllers],
          ...["-db", `${db}/skv`],
        ]));
      }
    }
    await Promise.all(nodes.map((node) => node.ready(READY_TIMEOUT_MS)));
    assertMatch(
      nodes[0]?.lastLines.join("\n") ?? "",
      /\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d ShardCtrler server 0 listening on localhost:\d+/,
    );
    assertMatch(
      nodes[1]?.lastLines.join("\n") ?? "",
      /ShardKV group 100 node 0 listening on localhost:\d+/,
    );
    await administrate(controllers, group100, group101);
    await readAndWrite(controllers);
    for (const node of nodes) assertEquals(await node.stop(10_000), true, node.label);
    for (const node of nodes) assertEquals((await node.ended).code, 0, node.label);
  } finally {
    await Promise.all(nodes.map((node) => node.stop(0)));
    await Deno.remove(db, { recursive: true });
  }
});

async function administrate(controllers: string, group100: string, group101: string) {
  const ctrl = (...args: string[]) =>
    runProgram("client/shardctrlerclient.ts", "-cluster", controllers, ...args);
  const joined = await ctrl("join", `100=${group100}`);
  assertEquals(joined, { code: 0, stdout: "Join OK\n", stderr: "" });
  assertEquals((await ctrl("join", `101=${group101}`)).stdout, "Join OK\n");
  const config = (await ctrl("query")).stdout;
  assertMatch(config, /^Config #2\n {2}Shards: \[(10[01] ?){64}\]\n {2}Groups:\n/);
  assertStringIncludes(config, `    100: [${group100.replaceAll(",", " ")}]\n`);
  assertMatch((await ctrl("status")).stdout, /^ID {4}Address {19}Role {12}Term/);
}

async function readAndWrite(controllers: string) {
  const client = (...args: string[]) =>
    runProgram("client/shardkvclient.ts", "-ctrlers", controllers, ...args);
  assertEquals(await client("put", "mykey", "myvalue"), {
    code: 0,
    stdout: "Put OK\n",
    stderr: "",
  });
  assertEquals((await client("get", "mykey")).stdout, "myvalue\n");
  assertEquals((await client("append", "mykey", " extra")).stdout, "Append OK\n");
  assertEquals((await client("get", "mykey")).stdout, "myvalue extra\n");
  assertEquals((await client("get", "nobody put this")).code, 3);
  assertEquals((await client("scan", "my")).stdout, "mykey\tmyvalue extra\n");
  assertEquals((await client("delete", "mykey")).stdout, "Delete OK\n");
  assertEquals((await client("get", "mykey")).code, 3);
  const status = await until("shards are still moving", SERVED_TIMEOUT_MS, async () => {
    const { stdout } = await client("status");
    return stdout.includes("Serving") && !/Pulling|GCing/.test(stdout) ? stdout : undefined;
  });
  assertMatch(status, /^GID-ID {5}Address {19}Role {12}Term/);
  assertMatch(status, /^101-2 /m);
  const bench = (await client("bench", "200")).stdout;
  assertMatch(bench, /Benchmark Results:\n={18}\nTotal Requests: {4}200\n/);
  assertMatch(bench, /Successful: {8}200\n/);
}
