/** The files in packaging/ name programs and flags that exist. */
import { assert, assertEquals } from "@std/assert";
import { parseSettings as parseDashboard } from "../dashboard/settings.ts";
import { parseServerFlags as parseController } from "../shardctrler/server_flags.ts";
import { parseServerFlags as parseReplica } from "../shardkv/server_flags.ts";

const PACKAGING = `${import.meta.dirname}/../packaging`;

/** The lists under `command:`, by service: all that is needed of YAML here. */
function composeCommands(text: string): Map<string, string[]> {
  const commands = new Map<string, string[]>();
  let words: string[] = [];
  const services = text.slice(0, text.indexOf("\nvolumes:"));
  for (const line of services.split("\n")) {
    const service = /^ {2}([a-z0-9-]+):$/.exec(line)?.[1];
    const word = /^ {6}- (.*)$/.exec(line)?.[1];
    if (service !== undefined) words = [];
    if (service !== undefined) commands.set(service, words);
    if (word !== undefined) words.push(word);
  }
  return commands;
}

function nodesOf(commands: ReadonlyMap<string, readonly string[]>, program: string) {
  return [...commands].filter(([, words]) => words[0] === program);
}

/** `ExecStart` of a unit with its environment file's values in place. */
async function execStart(unit: string, environment: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${PACKAGING}/systemd/${unit}`);
  const settings = await Deno.readTextFile(`${PACKAGING}/systemd/${environment}`);
  const values = new Map(
    settings.split("\n").flatMap((line) => {
      const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  const command = /^ExecStart=\S+ (.*)$/m.exec(text)?.[1] ?? "";
  return command.replace(/\$\{?([A-Z_]+)\}?/g, (_, name) => {
    const value = values.get(name);
    assert(value !== undefined, `${environment} lacks ${name}, which ${unit} uses`);
    return value;
  }).split(" ");
}

Deno.test("compose.yaml starts three controllers and two whole groups with flags that exist", async () => {
  const commands = composeCommands(await Deno.readTextFile(`${PACKAGING}/compose.yaml`));
  const controllers = nodesOf(commands, "shardctrlerserver");
  const replicas = nodesOf(commands, "shardkvserver");
  assertEquals([controllers.length, replicas.length], [3, 6]);
  for (const [service, [, ...args]] of controllers) {
    const { id, members } = parseController(args);
    assertEquals(members[id], `${service}:50051`);
  }
  for (const [service, [, ...args]] of replicas) {
    const { id, gid, members, controllers: asked } = parseReplica(args);
    assertEquals(members[id], `${service}:6001`);
    assertEquals(service, `kv-${gid}-${id}`);
    assertEquals(asked, controllers.map(([name]) => `${name}:50051`));
    const join = commands.get("join") ?? [];
    assert(join.includes(`${gid}=${members.join()}`), `join does not name ${gid}'s servers`);
  }
  const dashboards = nodesOf(commands, "dashboard-server").map(([, [, ...args]]) => {
    return parseDashboard(args).controllers;
  });
  assertEquals(dashboards, [controllers.map(([name]) => `${name}:50051`)]);
});

Deno.test("no service of compose.yaml waits for another to be healthy", async () => {
  const text = await Deno.readTextFile(`${PACKAGING}/compose.yaml`);
  assert(!/condition|healthcheck/.test(text));
});

Deno.test("the systemd units start servers with flags that exist", async () => {
  const controller = parseController(
    await execStart("shardctrlerserver@.service", "shardctrlerserver-0.env"),
  );
  assertEquals([controller.directory, controller.logFormat], ["/var/lib/eraft/sc_0", "json"]);
  const replica = parseReplica(
    await execStart("shardkvserver@.service", "shardkvserver-100-0.env"),
  );
  assertEquals([replica.directory, replica.gid], ["/var/lib/eraft/skv_100_0", 100]);
  const dashboard = parseDashboard(
    await execStart("dashboard-server.service", "dashboard-server.env"),
  );
  assertEquals([dashboard.controllers.length, dashboard.logFormat], [3, "json"]);
});
