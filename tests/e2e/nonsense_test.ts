/** Nonsense gets one clear line and an exit code, and leaves the servers alone. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { PROJECT_ROOT } from "../../tasks/cluster/server_command.ts";
import { TestCluster } from "./cluster_harness.ts";
import { type CommandResult, runProgram } from "./command_line.ts";

const CLIENT = "client/shardkvclient.ts";
const CTRL = "client/shardctrlerclient.ts";
const CONTROLLER = "shardctrler/main.ts";
const GROUP = "shardkv/main.ts";

/** A refusal: the wanted code, something said, and no stack of ours. */
function assertRefused(result: CommandResult, codes: readonly number[], command: string): void {
  const said = `${result.stdout}${result.stderr}`;
  assert(codes.includes(result.code), `${command}: ended with ${result.code}: ${said}`);
  assertMatch(said, /\S/, `${command}: must say why`);
  assert(!/^\s+at .*\.ts:\d+/m.test(said), `${command}: must not show a stack: ${said}`);
}

/** Runs command lines two at a time, as many as a small machine has cores. */
async function refuseAll(
  commands: readonly (readonly [main: string, args: readonly string[]])[],
  codes: readonly number[],
): Promise<void> {
  const queue = [...commands];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [main, args] = next;
      assertRefused(await runProgram(main, ...args), codes, `${main} ${args.join(" ")}`);
    }
  };
  await Promise.all([worker(), worker()]);
}

const THREE = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3";

Deno.test("servers refuse flags that make no sense before they touch anything", async () => {
  await refuseAll([
    [CONTROLLER, ["-nonsense"]],
    [CONTROLLER, ["-id", "x"]],
    [CONTROLLER, ["-id"]],
    [CONTROLLER, ["-shards", "0", "-cluster", THREE]],
    [CONTROLLER, ["-cluster", ""]],
    [CONTROLLER, ["-cluster", "no port"]],
    [CONTROLLER, ["-cluster", "127.0.0.1:99999"]],
    [CONTROLLER, ["-id", "9", "-cluster", THREE]],
    [CONTROLLER, ["-id", "-1", "-cluster", THREE]],
    [GROUP, ["-nonsense"]],
    [GROUP, ["-gid", "0", "-cluster", THREE, "-ctrlers", THREE]],
    [GROUP, ["-gid", "100", "-id", "3", "-cluster", THREE, "-ctrlers", THREE]],
    [GROUP, ["-gid", "100", "-cluster", "127.0.0.1:1,127.0.0.1:1", "-ctrlers", THREE]],
    [GROUP, ["-gid", "100", "-cluster", THREE, "-ctrlers", "::::"]],
  ], [1, 2]);
});

Deno.test("servers take no new directory when their port is taken", async () => {
  const db = await Deno.makeTempDir({ prefix: "eraft_nonsense_" });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const cluster = `127.0.0.1:${taken.addr.port}`;
  await refuseAll([
    [CONTROLLER, ["-cluster", cluster, "-db", `${db}/sc`]],
    [GROUP, ["-gid", "100", "-cluster", cluster, "-ctrlers", THREE, "-db", `${db}/skv`]],
  ], [1]);
  // Not recursive: with another port either directory would be refused as another node's.
  await Deno.remove(db);
});

Deno.test("clients refuse command lines that make no sense", async () => {
  await refuseAll([
    [CLIENT, []],
    [CLIENT, ["frobnicate"]],
    [CLIENT, ["get"]],
    [CLIENT, ["put", "key"]],
    [CLIENT, ["-timeout", "soon", "get", "key"]],
    [CLIENT, ["-timeout", "-1s", "get", "key"]],
    [CLIENT, ["-ctrlers", "", "get", "key"]],
    [CLIENT, ["-ctrlers", "not an address", "get", "key"]],
    [CLIENT, ["bench", "many"]],
    [CLIENT, ["bench", "-5"]],
    [CTRL, []],
    [CTRL, ["frobnicate"]],
    [CTRL, ["join"]],
    [CTRL, ["join", "100"]],
    [CTRL, ["join", "x=localhost:6001"]],
    [CTRL, ["leave"]],
    [CTRL, ["leave", "x"]],
    [CTRL, ["move", "1"]],
    [CTRL, ["move", "x", "100"]],
    [CTRL, ["query", "x"]],
  ], [1, 2]);
});

Deno.test("clients end quietly when nobody reads, and in one line when the disk is full", async () => {
  const inShell = async (line: string) => {
    const { code, stderr } = await new Deno.Command("sh", { args: ["-c", line] }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  };
  for (const [main, words] of [[CLIENT, "get"], [CTRL, "join"]] as const) {
    const client = `'${Deno.execPath()}' run -A --quiet '${PROJECT_ROOT}/${main}' ${words}`;
    assertEquals(await inShell(`${client} | true`), { code: 0, stderr: "" });
    const { code, stderr } = await inShell(`${client} > /dev/full`);
    assertEquals(code, 1);
    assertMatch(stderr, /^Cannot write the output: .+\n$/);
  }
});

Deno.test("clients say within their timeout that nobody answers", async () => {
  const nobody = "127.0.0.1:1";
  for (
    const [main, args] of [
      [CLIENT, ["-ctrlers", nobody, "-timeout", "500ms", "get", "key"]],
      [CTRL, ["-cluster", nobody, "-timeout", "500ms", "query"]],
    ] as const
  ) {
    const start = performance.now();
    assertRefused(await runProgram(main, ...args), [4], `${main} ${args.join(" ")}`);
    assert(performance.now() - start < 20_000, `${main} took too long`);
  }
});

Deno.test("controllers refuse changes that make no sense, and everything goes on", async () => {
  await using cluster = await TestCluster.start({ groups: 1, replicas: 1, shards: 10 });
  const controllers = cluster.controllers.join(",");
  const at = (...args: string[]) => [CTRL, ["-cluster", controllers, ...args]] as const;
  const before = await runProgram(...spread(at("query")));
  const [server = ""] = cluster.plan.groups[0]?.nodes.map((node) => node.address) ?? [];
  await refuseAll([
    at("move", "10000", "100"),
    at("move", "0", "999"),
    at("move", "-1", "100"),
    at("join", "100=127.0.0.1:1"),
    at("join", "0=127.0.0.1:1"),
    at("join", "-7=127.0.0.1:1"),
    at("join", "101="),
    at("join", "101=nonsense"),
    at("join", `101=${server}`),
    at("join", "101=127.0.0.1:1,127.0.0.1:1"),
    at("leave", "999"),
    at("query", "999"),
  ], [1, 2]);
  const after = await runProgram(...spread(at("query")));
  assertEquals(after, before, "no refused change may make a configuration");
  await cluster.clerk.put("key", "value");
  assertEquals(cluster.deaths, []);
});

function spread(
  [main, args]: readonly [main: string, args: readonly string[]],
): [string, ...string[]] {
  return [main, ...args];
}
