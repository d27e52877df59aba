/** `deno task cluster` as a user meets it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { deadline, until } from "../../tasks/cluster/deadline.ts";
import { readLines } from "../../tasks/cluster/read_lines.ts";
import { PROJECT_ROOT } from "../../tasks/cluster/server_command.ts";
import { runProgram } from "./command_line.ts";
import { freeBasePort } from "./free_ports.ts";

const SERVED_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 30_000;

/** A running `tasks/cluster.ts`. */
class ClusterTask {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", `${PROJECT_ROOT}/tasks/cluster.ts`, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env,
    }).spawn();
    const { stdout, stderr } = this.#child;
    this.#reading = Promise.all([this.#read(stdout), this.#read(stderr)]);
  }

  /** Waits until the cluster serves; returns the pids of its servers. */
  async served(): Promise<number[]> {
    await this.said("Ctrl-C here stops everything");
    return await childrenOf(this.#child.pid);
  }

  /** Waits for a line that holds this text. */
  async said(text: string): Promise<string> {
    return await until(
      () => `'${text}' is missing from ${this.lines.join("\n")}`,
      SERVED_TIMEOUT_MS,
      () => this.lines.find((line) => line.includes(text)),
    );
  }

  async stop(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    this.#child.kill(signal);
    const status = await deadline(this.#child.status, STOP_TIMEOUT_MS, undefined);
    assert(status !== undefined, "the cluster must stop when asked");
    await this.#reading;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended, as it should.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#reading;
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of readLines(stream)) this.lines.push(line);
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  const threads = await Array.fromAsync(
    Deno.readDir(`/proc/${pid}/task`),
    (entry) => Deno.readTextFile(`/proc/${pid}/task/${entry.name}/children`).catch(() => ""),
  );
  return [...new Set([text, ...threads].join(" ").trim().split(/\s+/).map(Number))];
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits until none of the processes is left. */
async function gone(pids: readonly number[]): Promise<void> {
  await until(
    () => `processes ${pids.filter(isAlive).join(", ")} are still there`,
    STOP_TIMEOUT_MS,
    () => pids.every((pid) => !isAlive(pid)) || undefined,
  );
}

interface Ports {
  readonly flags: readonly string[];
  readonly controllers: string;
}

function somePorts(): Ports {
  const ctrlerPort = freeBasePort([0, 1, 2]);
  const groupPort = freeBasePort([0, 1, 2, 1000, 1001, 1002]);
  return {
    flags: ["-ctrler-port", `${ctrlerPort}`, "-group-port", `${groupPort}`],
    controllers: [0, 1, 2].map((id) => `127.0.0.1:${ctrlerPort + id}`).join(","),
  };
}

const SMALL = ["-groups", "1", "-replicas", "1", "-shards", "8", "-dashboard=false"];

Deno.test("cluster -ephemeral serves all shards and leaves neither process nor directory", async () => {
  const temporary = await Deno.makeTempDir({ prefix: "eraft_task_" });
  await using task = new ClusterTask([...somePorts().flags, "-ephemeral"], { TMPDIR: temporary });
  const pids = await task.served();
  // Three controllers, two groups of three, and the dashboard.
  assertEquals(pids.length, 10);
  const text = task.lines.join("\n");
  assertStringIncludes(text, "All 64 shards are served");
  assertMatch(text, /^101-2 +group 101 +127\.0\.0\.1:\d+ +32 /m);
  const [, url = ""] = /^Dashboard: (http:\S+)/m.exec(text) ?? [];
  assertEquals(await (await fetch(`${url}/livez`)).text(), "alive\n");
  assertEquals((await task.stop("SIGINT")).code, 0);
  assertEquals(pids.filter(isAlive), []);
  // Not recursive: fails if anything is left.
  await Deno.remove(temporary);
});

Deno.test("cluster goes on with its data, and dies without leaving servers behind", async () => {
  const db = await Deno.makeTempDir({ prefix: "eraft_task_" });
  const { flags, controllers } = somePorts();
  const args = [...flags, ...SMALL, "-db", db];
  try {
    await using first = new ClusterTask(args);
    await first.served();
    const put = await runProgram(
      "client/shardkvclient.ts",
      "-ctrlers",
      controllers,
      "put",
      "k",
      "v",
    );
    assertEquals(put.stdout, "Put OK\n");
    assertEquals((await first.stop("SIGTERM")).code, 0);

    await using second = new ClusterTask(args);
    const pids = await second.served();
    const get = await runProgram("client/shardkvclient.ts", "-ctrlers", controllers, "get", "k");
    assertEquals(get.stdout, "v\n");
    Deno.kill(Math.max(...pids), "SIGKILL");
    assertMatch(await second.said("the others go on"), /^Node \S+ \(pid \d+\) ended by SIGKILL;/);
    assertMatch(await second.said(" run -A "), /main\.ts -id \d/);
    const rival = await runProgram("tasks/cluster.ts", ...flags, ...SMALL, "-ephemeral");
    assertEquals(rival.code, 1);
    assertMatch(rival.stderr, /^Cannot listen on port \d+: it is in use; .* -ctrler-port\n$/);
    await second.stop("SIGKILL");
    await gone(pids);
  } finally {
    await Deno.remove(db, { recursive: true });
  }
});

Deno.test("cluster started again runs although a group that was joined is not there", async () => {
  const db = await Deno.makeTempDir({ prefix: "eraft_task_" });
  const { flags, controllers } = somePorts();
  const args = [...flags, ...SMALL, "-db", db];
  try {
    await using first = new ClusterTask(args);
    await first.served();
    const join = ["-cluster", controllers, "-force", "join", "102=127.0.0.1:1"];
    assertEquals((await runProgram("client/shardctrlerclient.ts", ...join)).stdout, "Join OK\n");
    await first.stop("SIGTERM");

    await using second = new ClusterTask(args);
    await second.served();
    assertMatch(
      await second.said("shards are served"),
      /^Only 4 of 8 .* moves' tells which groups/,
    );
    assertMatch(second.lines.join("\n"), /^100-0 +group 100 +127\.0\.0\.1:\d+ +4 /m);
    assertEquals((await second.stop("SIGTERM")).code, 0);
  } finally {
    await Deno.remove(db, { recursive: true });
  }
});

Deno.test("cluster refuses directories that are not its own and options that do not fit", async () => {
  const db = await Deno.makeTempDir({ prefix: "eraft_task_" });
  const { flags } = somePorts();
  try {
    await Deno.writeTextFile(`${db}/notes.txt`, "mine");
    const foreign = await runProgram("tasks/cluster.ts", ...flags, "-db", db);
    assertEquals(foreign.code, 1);
    assertMatch(foreign.stderr, /^Cannot use .*: it has no cluster\.json but holds 'notes\.txt'/);

    const file = await runProgram("tasks/cluster.ts", ...flags, "-db", `${db}/notes.txt`);
    assertEquals(file.code, 1);
    assertStringIncludes(file.stderr, `${db}/notes.txt`);

    await Deno.remove(`${db}/notes.txt`);
    const [ctrlerPort, groupPort] = [Number(flags[1]), Number(flags[3])];
    const remembered = { groups: 2, replicas: 3, shards: 64, ctrlerPort, groupPort };
    await Deno.writeTextFile(
      `${db}/cluster.json`,
      JSON.stringify({ version: 1, ...remembered, joined: true }),
    );
    const other = await runProgram("tasks/cluster.ts", ...flags, "-db", db, "-shards", "10");
    assertEquals(other.code, 1);
    assertStringIncludes(other.stderr, `Cannot use ${db}: it holds a cluster made with -shards 64`);
  } finally {
    await Deno.remove(db, { recursive: true });
  }
});

Deno.test("cluster takes no new directory when its ports are taken", async () => {
  const db = await Deno.makeTempDir({ prefix: "eraft_task_" });
  const { flags } = somePorts();
  using _ = Deno.listen({ hostname: "127.0.0.1", port: Number(flags[1]) });
  const { code, stderr } = await runProgram("tasks/cluster.ts", ...flags, "-db", db);
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "choose others with -ctrler-port");
  // Not recursive: other ports can be chosen for it only while it is empty.
  await Deno.remove(db);
});

Deno.test("cluster answers nonsense with a line and code 2", async () => {
  for (
    const args of [
      ["-groups", "0"],
      ["-replicas", "99"],
      ["-ctrler-port", "6001"],
      ["-group-port", "65535"],
      ["-ephemeral", "-db", "x"],
      ["-nonsense"],
      ["start"],
    ]
  ) {
    const result = await runProgram("tasks/cluster.ts", ...args);
    assertEquals(result.code, 2, `${args.join(" ")}: ${result.stderr}`);
    assertMatch(result.stderr, /\S/);
  }
});
