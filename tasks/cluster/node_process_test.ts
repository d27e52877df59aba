import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { until } from "./deadline.ts";
import { NodeProcess, NotReadyError } from "./node_process.ts";

/** A stand-in for a server: prints, listens to SIGTERM or not, ends at the end of its input. */
async function standIn(source: string, run: (node: NodeProcess) => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, source);
  const args = ["run", "--quiet", "--no-config", "--no-lock", file];
  const node = new NodeProcess({ label: "100-0", args });
  try {
    await run(node);
  } finally {
    await node.stop(0);
    await Deno.remove(file);
  }
}

const LISTENS = `console.error("2026/01/01 00:00:00 server 0 listening on 127.0.0.1:1");`;
const WAITS = `for await (const _ of Deno.stdin.readable) ;`;

Deno.test("NodeProcess.ready() resolves at the listening line", async () => {
  await standIn(LISTENS + WAITS, async (node) => {
    await node.ready(20_000);
    assert(node.running);
  });
});

Deno.test("NodeProcess.ready() quotes a process that ends early", async () => {
  await standIn(`console.error("invalid id 9"); Deno.exit(1);`, async (node) => {
    const error = await assertRejects(() => node.ready(20_000), NotReadyError);
    assertStringIncludes(error.message, "Node 100-0 ended with code 1");
    assertStringIncludes(error.message, "invalid id 9");
  });
});

Deno.test("NodeProcess.ready() gives up after its time", async () => {
  await standIn(WAITS, async (node) => {
    await assertRejects(() => node.ready(10), NotReadyError, "did not listen within 10 ms");
  });
});

Deno.test("NodeProcess.stop() lets a process go by itself", async () => {
  const source = `Deno.addSignalListener("SIGTERM", () => Deno.exit(0));` + LISTENS + WAITS;
  await standIn(source, async (node) => {
    await node.ready(20_000);
    assertEquals(await node.stop(20_000), true);
    assertEquals((await node.ended).code, 0);
  });
});

Deno.test("NodeProcess.stop() kills a process that does not go", async () => {
  const source = `Deno.addSignalListener("SIGTERM", () => {});` + LISTENS + WAITS;
  await standIn(source, async (node) => {
    await node.ready(20_000);
    assertEquals(await node.stop(100), false);
    assertEquals((await node.ended).signal, "SIGKILL");
  });
});

Deno.test("until() returns the first answer and says what it waited for", async () => {
  let asked = 0;
  assertEquals(await until("an answer", 5000, () => ++asked === 3 ? asked : undefined, 1), 3);
  await assertRejects(() => until("no leader yet", 5, () => undefined, 1), Error, "no leader yet");
});
