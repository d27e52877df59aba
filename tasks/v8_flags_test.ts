import { assert, assertEquals } from "@std/assert";
import { PROGRAMS } from "./compile/programs.ts";
import { v8FlagsOf } from "./v8_flags.ts";

interface Task {
  readonly command: string;
}

const ROOT = `${import.meta.dirname}/..`;
/** What serves, asks or measures: main modules of servers and clients, and benchmarks. */
const UNDER_LOAD = /deno run .* ([a-z]+\/main\.ts|client\/\w+\.ts|tasks\/bench\w*\.ts)$/;

Deno.test("the tasks that run servers, clients and benchmarks set up V8 as the cluster does", async () => {
  const text = await Deno.readTextFile(`${ROOT}/deno.json`);
  const { tasks } = JSON.parse(text) as { tasks: Readonly<Record<string, Task>> };
  const commands = Object.values(tasks).map(({ command }) => command);
  const mains = commands.flatMap((command) => {
    const main = UNDER_LOAD.exec(command)?.[1];
    if (main === undefined) return [];
    assert(command.includes(` ${v8FlagsOf(main)} `), command);
    return [main];
  });
  assertEquals(mains.length, 9);
});

Deno.test("what the container image runs sets up V8 as the cluster does", async () => {
  for (const { name, main } of PROGRAMS) {
    assertEquals(await argumentsOf(name), `run ${v8FlagsOf(main)}`);
  }
});

Deno.test("only what handles requests all the time has its functions compiled early", () => {
  const early = PROGRAMS.filter(({ main }) => v8FlagsOf(main).includes("turbofan"));
  assertEquals(early.map(({ name }) => name), [
    "shardctrlerclient",
    "shardkvserver",
    "shardkvclient",
  ]);
});

/** The first two words that the image's script gives to Deno for a program. */
async function argumentsOf(program: string): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    const stub = `${directory}/deno`;
    await Deno.writeTextFile(stub, '#!/bin/sh\necho "$1 $2"\n', { mode: 0o755 });
    const { stdout } = await new Deno.Command("sh", {
      args: [`${ROOT}/packaging/run`, program],
      env: { PATH: `${directory}:${Deno.env.get("PATH")}` },
    }).output();
    return new TextDecoder().decode(stdout).trim();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
