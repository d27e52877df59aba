/** One round after the other: load, harm, healing, judgement. */
import { KvClerk } from "../../client/kv_clerk.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { createPrng } from "../../runtime/prng.ts";
import { Draw } from "../sim/draw.ts";
import { LinearizabilityViolation } from "../sim/linearizable.ts";
import { Violation } from "../sim/observation.ts";
import { FaultCluster, HEALTHY_TIMEOUT_MS } from "./fault_cluster.ts";
import { Judge, LostWrites } from "./judge.ts";
import { Load } from "./load.ts";
import { type Mend, type Nemesis, Stage } from "./nemesis.ts";
import { recover, type Recovery } from "./recovery.ts";
import type { RoundResult, RunResult, Skipped } from "./tally.ts";

/** Load before the harm and after the healing. */
const QUIET_MS = 1_000;

export interface SuiteOptions {
  readonly nemeses: readonly Nemesis[];
  readonly seed: number;
  readonly groups: number;
  /** Rounds begin for so long. */
  readonly minutes: number;
  /** Faults of each kind to inject, whatever time it takes; 0: as many as the time allows. */
  readonly times: number;
  /** Told of everything as it happens. */
  readonly onEvent: (text: string) => void;
  /** Asked before each round: true ends the run. @default {never} */
  readonly isOver?: () => boolean;
}

export interface SuiteResult extends RunResult {
  /** Data, logs and histories; undefined if all held and they are gone. */
  readonly folder: string | undefined;
}

/**
 * Runs a whole suite on a cluster of its own. Ends at the first thing that is wrong.
 *
 * @throws {Error} If the cluster does not start
 */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { nemeses, seed, groups } = options;
  const skipped = await missing(nemeses);
  const able = nemeses.filter(({ name }) => !skipped.some(({ fault }) => fault === name));
  const rounds: RoundResult[] = [];
  const cluster = await FaultCluster.start(groups);
  try {
    await using runner = new RoundRunner(cluster, options.onEvent);
    const draw = new Draw(createPrng(seed));
    for (const nemesis of schedule(able, rounds, draw, options)) {
      const result = await runner.run(nemesis, draw.fork());
      rounds.push(result);
      if (result.violation !== undefined) break;
    }
  } finally {
    await cluster[Symbol.asyncDispose]();
  }
  const isWrong = rounds.some(({ violation }) => violation !== undefined);
  if (!isWrong) await Deno.remove(cluster.folder, { recursive: true });
  return { seed, rounds, skipped, folder: isWrong ? cluster.folder : undefined };
}

async function missing(nemeses: readonly Nemesis[]): Promise<Skipped[]> {
  const skipped: Skipped[] = [];
  for (const { name, lacks } of nemeses) {
    const why = await lacks?.();
    if (why !== undefined) skipped.push({ fault: name, why });
  }
  return skipped;
}

/** Each of them once, in an order that is drawn, and again, until there is enough. */
function* schedule(
  nemeses: readonly Nemesis[],
  rounds: readonly RoundResult[],
  draw: Draw,
  { minutes, times, isOver = () => false }: SuiteOptions,
): Generator<Nemesis> {
  const end = performance.now() + minutes * 60_000;
  const injected = ({ name }: Nemesis) =>
    rounds.filter(({ fault }) => fault === name)
      .reduce((sum, { deeds }) => sum + deeds.length, 0);
  const wanted = (nemesis: Nemesis) =>
    times > 0 ? injected(nemesis) < times : performance.now() < end;
  while (nemeses.some(wanted)) {
    const order = nemeses.map((nemesis) => ({ nemesis, place: draw.fraction() }));
    for (const { nemesis } of order.sort((a, b) => a.place - b.place)) {
      if (isOver()) return;
      if (wanted(nemesis)) yield nemesis;
    }
  }
}

class RoundRunner implements AsyncDisposable {
  readonly #cluster: FaultCluster;
  readonly #judge: Judge;
  readonly #clerk: KvClerk;
  readonly #onEvent: (text: string) => void;
  #round = 0;

  constructor(cluster: FaultCluster, onEvent: (text: string) => void) {
    this.#cluster = cluster;
    this.#onEvent = onEvent;
    this.#judge = new Judge(cluster);
    this.#clerk = new KvClerk({
      controllers: cluster.controllers,
      dialer: new GrpcDialer(),
      ownsDialer: true,
      timeoutMs: HEALTHY_TIMEOUT_MS,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clerk.close();
    await this.#judge[Symbol.asyncDispose]();
  }

  async run(nemesis: Nemesis, draw: Draw): Promise<RoundResult> {
    const round = ++this.#round;
    this.#onEvent(`round ${round}: ${nemesis.name}`);
    const stage = new Stage({ cluster: this.#cluster, draw }, (deed) => this.#onEvent(`  ${deed}`));
    const load = new Load({
      kind: nemesis.load ?? "mixed",
      controllers: this.#cluster.controllers,
      draw: draw.fork(),
      prefix: `round-${String(round).padStart(4, "0")}/`,
    });
    let recovery: Recovery | undefined;
    let error: unknown;
    try {
      await stage.hold(QUIET_MS);
      const mend = await nemesis.strike(stage);
      recovery = await this.#recover(mend);
      await stage.hold(QUIET_MS);
      await load.stop();
      await this.#judge.judge(load);
    } catch (thrown) {
      error = thrown;
      await load.stop().catch(() => {});
      await this.#keepEvidence(round, load, error);
    }
    const commands = load.acknowledged;
    this.#tellEnd(recovery, commands);
    return {
      fault: nemesis.name,
      deeds: stage.deeds,
      recovery,
      commands,
      lost: error instanceof LostWrites ? error.count : 0,
      violation: error === undefined ? undefined : describeError(error),
    };
  }

  #recover(mend: Mend | void): Promise<Recovery> {
    return recover(this.#cluster, this.#clerk, async () => {
      await mend?.();
      await this.#cluster.heal();
    });
  }

  #tellEnd(recovery: Recovery | undefined, commands: number): void {
    const ms = (value: number | undefined) =>
      value === undefined ? "never" : `${Math.round(value)} ms`;
    this.#onEvent(
      `  ${commands} commands; writes went on after ${ms(recovery?.writtenMs)}, ` +
        `all shards after ${ms(recovery?.servedMs)}`,
    );
  }

  /** The history, and a picture of it, beside data and logs. */
  async #keepEvidence(round: number, load: Load, error: unknown): Promise<void> {
    const { folder } = this.#cluster;
    const lines = load.history.operations.map((operation) => `${JSON.stringify(operation)}\n`);
    await Deno.writeTextFile(`${folder}/history-${round}.jsonl`, lines.join(""));
    if (!(error instanceof LinearizabilityViolation)) return;
    await Deno.writeTextFile(`${folder}/history-${round}.html`, error.timeline);
  }
}

function describeError(error: unknown): string {
  if (error instanceof Violation) return `${error.item}: ${error.message}`;
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
