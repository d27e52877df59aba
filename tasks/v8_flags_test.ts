import { assert, assertEquals } from "@std/assert";
import { V8_FLAGS } from "./v8_flags.ts";

interface Task {
  readonly command: string;
}

const ROOT = `${import.meta.dirname}/..`;
/** What serves, asks or measures: main modules of servers and clients, and benchmarks. */
const UNDER_LOAD = /deno run .*(\/main\.ts|client\.ts|tasks\/bench\w*\.ts)$/;

Deno.test("the tasks that run servers, clients and benchmarks set up V8 as the cluster does", async () => {
  const text = await Deno.readTextFile(`${ROOT}/deno.json`);
  const { tasks } = JSON.parse(text) as { tasks: Readonly<Record<string, Task>> };
  const commands = Object.values(tasks).map(({ command }) => command)
    .filter((command) => UNDER_LOAD.test(command) && !command.includes(" tests/"));
  assertEquals(commands.length, 9);
  for (const command of commands) assert(command.includes(` ${V8_FLAGS} `), command);
});

Deno.test("what the container image runs sets up V8 as the cluster does", async () => {
  const script = await Deno.readTextFile(`${ROOT}/packaging/run`);
  assert(script.includes(`exec deno run ${V8_FLAGS} `));
});
