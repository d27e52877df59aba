/** What the simulator prints. */
import type { Profile, SimOptions } from "../../tests/sim/options.ts";
import { type Figures, isMessageFault } from "../../tests/sim/statistics.ts";
import type { SeedReport } from "./seed_report.ts";

/** Seeds from which on a batch must amount to something. */
const JUDGED_SEEDS_MIN = 20;
/** What the average seed of a batch must have seen at least. */
const COMMANDS_FLOOR = 50;
const FAULTS_FLOOR = 3;

/** The options of a seed, a line each. */
export function describeOptions(options: SimOptions): string {
  const lines = [`Seed ${options.seed}, profile ${options.profile}`];
  for (const [name, value] of Object.entries(options)) {
    if (name === "seed" || name === "profile") continue;
    lines.push(`  ${name}: ${typeof value === "number" ? value : describeGroup(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

function describeGroup(group: object): string {
  return JSON.stringify(
    group,
    (_, value) => typeof value === "number" ? Number(value.toPrecision(4)) : value,
  )
    .replaceAll('"', "").replaceAll(",", ", ").replaceAll(":", " ");
}

/** One line for one seed, and what went wrong if something did. */
export function describeSeed({ seed, hash, figures, failure, elapsedMs }: SeedReport): string {
  const { commands, elections, snapshotsInstalled, migrations } = figures;
  const verdict = failure === undefined ? "ok" : failure.class.toUpperCase();
  const line = `seed ${seed} ${verdict} hash ${hash} in ${(elapsedMs / 1_000).toFixed(1)} s: ` +
    `${commands} commands, ${countStrikes(figures)} faults, ${elections} elections, ` +
    `${snapshotsInstalled} snapshots, ${migrations} migrations\n`;
  return failure === undefined ? line : `${line}${failure.text}\n`;
}

/** The figures of a whole batch. */
export function describeBatch(figures: Figures, seeds: number, elapsedMs: number): string {
  const perMinute = (seeds / elapsedMs) * 60_000;
  return [
    `${seeds} seeds in ${(elapsedMs / 1_000).toFixed(1)} s, ${
      perMinute.toFixed(1)
    } seeds per minute`,
    `virtual time ${Math.round(figures.virtualMs / 1_000)} s, ${figures.events} events`,
    `${figures.commands} commands committed, ${figures.elections} elections, ` +
    `${figures.snapshotsInstalled} snapshots installed, ${figures.migrations} shards migrated, ` +
    `${figures.changes} records written meanwhile`,
    `operations: ${describeCounts(figures.operations)}, ` +
    `${figures.readsAnywhere} of them reads from whichever replica`,
    `faults: ${describeCounts(figures.faults)}`,
    "",
  ].join("\n");
}

function describeCounts(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return sorted.length === 0 ? "none" : sorted.map(([name, n]) => `${name} ${n}`).join(", ");
}

/** Faults beside those of single messages. */
function countStrikes({ faults }: Figures): number {
  let sum = 0;
  for (const [kind, count] of Object.entries(faults)) if (!isMessageFault(kind)) sum += count;
  return sum;
}

/** Why a batch proves too little; undefined if it is small or proves something. */
export function whyIdle(figures: Figures, seeds: number): string | undefined {
  if (seeds < JUDGED_SEEDS_MIN) return undefined;
  const commands = figures.commands / seeds;
  const faults = countStrikes(figures) / seeds;
  if (commands >= COMMANDS_FLOOR && faults >= FAULTS_FLOOR) return undefined;
  return `Too little happened: ${commands.toFixed(1)} commands and ${faults.toFixed(1)} faults a ` +
    `seed, where ${COMMANDS_FLOOR} and ${FAULTS_FLOOR} are the least that proves anything`;
}

/** The command that does the same again. */
export function describeReproduction(seed: number, runs: number, profile: Profile): string {
  return `Reproduce: deno task sim --seed ${seed} --runs ${runs} --profile ${profile}\n`;
}
