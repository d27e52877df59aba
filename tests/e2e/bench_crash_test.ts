/** `kill -9` of everything in the middle of a benchmark, judged by the benchmark's own record. */
import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { until } from "../../tasks/cluster/deadline.ts";
import { TestCluster } from "./cluster_harness.ts";
import { runProgram } from "./command_line.ts";

const REQUESTS = 20_000;
const CLIENTS = 64;
const RECORD_TIMEOUT_MS = 60_000;
const READ_KEYS = 1000;

interface Acknowledged {
  readonly key: string;
  readonly sha256: string;
}

Deno.test("every write a benchmark saw acknowledged outlives kill -9 of all nine processes", async () => {
  await using cluster = await TestCluster.start();
  const record = `${cluster.db}/record.jsonl`;
  const flags = ["-ctrlers", cluster.controllers.join(",")];
  const bench = ["bench", "-record", record, `${REQUESTS}`, `${CLIENTS}`];
  const running = runProgram("client/shardkvclient.ts", ...flags, ...bench);
  await until(
    "the first acknowledged writes",
    RECORD_TIMEOUT_MS,
    async () => (await sizeOf(record)) > 0 || undefined,
  );
  await cluster.crash(cluster.labels);
  const early = await sizeOf(record);
  await cluster.restart(cluster.labels);
  const { code, stdout, stderr } = await running;
  assertEquals(code, 0, `${stdout}${stderr}`);

  const text = await Deno.readTextFile(record);
  assert(text.length > early, "the benchmark must have been under way when everything was killed");
  const acknowledged: Acknowledged[] = text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(acknowledged.length, REQUESTS);
  for (let first = 0; first < REQUESTS; first += READ_KEYS) {
    const part = acknowledged.slice(first, first + READ_KEYS);
    const values = await cluster.clerk.getMany(part.map(({ key }) => key));
    const found = part.map(({ key }, index) => ({ key, sha256: digest(values[index]) }));
    assertEquals(found, part);
  }
  assertEquals(cluster.deaths, []);
});

function digest(value: Uint8Array | undefined): string {
  return value === undefined ? "absent" : createHash("sha256").update(value).digest("hex");
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await Deno.stat(file)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
