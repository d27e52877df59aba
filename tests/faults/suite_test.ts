/** The suite in small, so that it is known to work: real processes, and real harm. */
import { assert, assertEquals } from "@std/assert";
import { until } from "../../tasks/cluster/deadline.ts";
import { FaultCluster } from "./fault_cluster.ts";
import { Judge } from "./judge.ts";
import { Load } from "./load.ts";
import { nemeses } from "./nemeses/mod.ts";
import { runSuite } from "./suite.ts";
import { complaint } from "./tally.ts";
import { Draw } from "../sim/draw.ts";
import { Violation } from "../sim/observation.ts";
import { createPrng } from "../../runtime/prng.ts";

const TIMEOUT_MS = 60_000;

Deno.test("a suite of some faults ends well, and says what it has done", async () => {
  const chosen = ["kill-leader", "torn-file", "storm"];
  const events: string[] = [];
  const result = await runSuite({
    nemeses: nemeses.filter(({ name }) => chosen.includes(name)),
    seed: 1,
    groups: 2,
    minutes: 1,
    times: 1,
    onEvent: (text) => events.push(text),
  });
  assertEquals(complaint(result), undefined, `${result.folder}\n${events.join("\n")}`);
  assertEquals(result.rounds.map(({ fault }) => fault).sort(), chosen.sort());
  assert(result.rounds.every(({ recovery, lost }) => recovery !== undefined && lost === 0));
  assertEquals(result.folder, undefined);
});

/** Runs a test on a cluster of its own, which is gone afterwards. */
async function withCluster(body: (cluster: FaultCluster) => Promise<void>): Promise<void> {
  const cluster = await FaultCluster.start(2);
  try {
    await body(cluster);
  } finally {
    await cluster[Symbol.asyncDispose]();
    await Deno.remove(cluster.folder, { recursive: true });
  }
}

Deno.test("a leader that is cut off is replaced", () =>
  withCluster(async (cluster) => {
    const old = await cluster.leaderOf(100);
    cluster.links.cut([old], cluster.labels.filter((label) => label !== old));
    await until("Nobody takes over", TIMEOUT_MS, async () => {
      return await cluster.leaderOf(100, TIMEOUT_MS) !== old || undefined;
    });
  }));

Deno.test("the judge finds a write that was acknowledged and is nowhere", () =>
  withCluster(async (cluster) => {
    await using judge = new Judge(cluster);
    const load = new Load({
      kind: "appends",
      controllers: cluster.controllers,
      draw: new Draw(createPrng(1)),
      prefix: "test/",
    });
    await until("Nothing is acknowledged", TIMEOUT_MS, () => load.acknowledged > 100 || undefined);
    await load.stop();
    await judge.judge(load);
    const operations = load.history.invoke(0, "append", [
      ["log-0", { kind: "append", value: "<0.999999>" }],
    ]);
    load.history.finish(operations, () => ({ kind: "ok" }));
    const error = await judge.judge(load).then(() => undefined, (error: unknown) => error);
    assert(error instanceof Violation, String(error));
    assertEquals(error.message, "Lost: log-0 <0.999999>");
  }));
