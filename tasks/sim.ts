/**
 * `deno task sim`: runs the whole system on virtual time, under faults, once for each seed, and
 * says what it found. See `-help` for the options and exit codes.
 */
import { randomSeed } from "../runtime/prng.ts";
import { EXIT_CODES } from "../tests/sim/failure.ts";
import { drawOptions } from "../tests/sim/options.ts";
import { addFigures, NO_FIGURES } from "../tests/sim/statistics.ts";
import { runTask } from "./run_task.ts";
import { proveMutants } from "./sim/mutants.ts";
import { parseSimTaskOptions, type SimTaskOptions } from "./sim/options.ts";
import { runSeeds } from "./sim/pool.ts";
import {
  describeBatch,
  describeOptions,
  describeReproduction,
  describeSeed,
  whyIdle,
} from "./sim/report.ts";
import { runSeed, type SeedReport } from "./sim/seed_report.ts";

const encoder = new TextEncoder();

function say(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

async function run(options: SimTaskOptions): Promise<number> {
  const { profile, minutes, keepGoing } = options;
  const first = options.seed ?? randomSeed() % 2 ** 32;
  const runs = options.runs ?? Infinity;
  const startedAt = performance.now();
  const endsAt = minutes > 0 ? startedAt + minutes * 60_000 : Infinity;
  if (runs === 1) say(describeOptions(drawOptions(first, profile)));
  let next = first;
  const takeNext = () => next < first + runs && performance.now() < endsAt ? next++ : undefined;
  const reports = options.trace === ""
    ? runSeeds({ profile, jobs: Math.min(options.jobs, runs), next: takeNext })
    : traceSeed(first, options);
  let figures = NO_FIGURES;
  let seeds = 0;
  let failed: SeedReport | undefined;
  for await (const report of reports) {
    seeds++;
    figures = addFigures(figures, report.figures);
    if (report.failure !== undefined) {
      failed ??= report;
      if (runs > 1) say(describeOptions(drawOptions(report.seed, profile)));
    }
    say(describeSeed(report));
    await saveTimeline(report);
    if (failed !== undefined && !keepGoing) break;
  }
  say(describeBatch(figures, seeds, performance.now() - startedAt));
  const idle = whyIdle(figures, seeds);
  if (idle !== undefined) say(`${idle}\n`);
  if (failed === undefined) say(describeReproduction(first, seeds, profile));
  else say(describeReproduction(failed.seed, 1, profile));
  if (failed?.failure !== undefined) return EXIT_CODES[failed.failure.class];
  return idle === undefined ? EXIT_CODES.ok : EXIT_CODES.idle;
}

/** Keeps the picture of a history that failed, for whoever looks into it. */
async function saveTimeline({ seed, failure }: SeedReport): Promise<void> {
  if (failure?.timeline === undefined) return;
  const path = `output/sim/seed-${seed}.html`;
  await Deno.mkdir("output/sim", { recursive: true });
  await Deno.writeTextFile(path, failure.timeline);
  say(`The history is drawn in ${path}\n`);
}

/** Runs one seed in this thread and writes down every event. */
async function* traceSeed(seed: number, options: SimTaskOptions): AsyncGenerator<SeedReport> {
  using file = await Deno.open(options.trace, { write: true, create: true, truncate: true });
  let lines: string[] = [];
  const flush = () => {
    const bytes = encoder.encode(lines.join(""));
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    lines = [];
  };
  const report = await runSeed(seed, options.profile, (line) => {
    lines.push(`${line}\n`);
    if (lines.length >= 1_000) flush();
  });
  flush();
  yield report;
}

function main(args: readonly string[]): Promise<number> {
  return runTask(() => {
    const options = parseSimTaskOptions(args);
    return options.mutants ? proveMutants(options, say) : run(options);
  });
}

if (import.meta.main) Deno.exit(await main(Deno.args));
