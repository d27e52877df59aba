import { assertEquals } from "@std/assert";
import { V8_FLAGS } from "./v8_flags.ts";

interface Task {
  readonly command: string;
}

Deno.test("the tasks that run servers and clients set up V8 as the cluster does", async () => {
  const text = await Deno.readTextFile(`${import.meta.dirname}/../deno.json`);
  const { tasks } = JSON.parse(text) as { tasks: Readonly<Record<string, Task>> };
  const set = Object.keys(tasks).filter((name) => tasks[name]?.command.includes(` ${V8_FLAGS} `));
  assertEquals(set, [
    ...["client", "ctrl", "shardctrlerserver", "shardkvserver", "dashboard-server"],
    ...["bench", "bench:bare", "bench:growth"],
  ]);
});
