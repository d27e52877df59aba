/** What came of all rounds, by fault. */
import { formatTable } from "../../runtime/table.ts";
import { percentile } from "../e2e/failover.ts";
import type { Recovery } from "./recovery.ts";

/** One round that is over. */
export interface RoundResult {
  readonly fault: string;
  /** What was done, each in a few words. */
  readonly deeds: readonly string[];
  /** Undefined if the cluster did not get well. */
  readonly recovery: Recovery | undefined;
  /** Operations that were acknowledged. */
  readonly commands: number;
  /** Acknowledged writes that are gone. */
  readonly lost: number;
  /** What was wrong, in words; undefined if all held. */
  readonly violation: string | undefined;
}

/** A kind of fault that could not be had. */
export interface Skipped {
  readonly fault: string;
  readonly why: string;
}

/** A run that does less shows nothing. */
const COMMANDS_MIN_PER_ROUND = 100;
/** Grows when a field of the JSON output changes its meaning or goes. */
const JSON_SCHEMA = 1;

export interface RunResult {
  readonly seed: number;
  readonly rounds: readonly RoundResult[];
  readonly skipped: readonly Skipped[];
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** One line of the table. */
interface Row {
  readonly fault: string;
  readonly rounds: number;
  readonly faults: number;
  /** Undefined if the cluster never got well. */
  readonly writtenMs: Quantiles | undefined;
  readonly servedMs: Quantiles | undefined;
  readonly commands: number;
  readonly lost: number;
  readonly violations: number;
}

/** Why the run proves nothing or shows a fault; undefined if all is well. */
export function complaint({ rounds }: RunResult): string | undefined {
  const wrong = rounds.find(({ violation }) => violation !== undefined);
  if (wrong !== undefined) return `${wrong.fault}: ${wrong.violation}`;
  const idle = rounds.find(({ deeds }) => deeds.length === 0);
  if (idle !== undefined) return `${idle.fault}: a round has injected nothing`;
  const lazy = rounds.find(({ commands }) => commands < COMMANDS_MIN_PER_ROUND);
  if (lazy !== undefined) {
    return `${lazy.fault}: only ${lazy.commands} commands were acknowledged in a round, ` +
      `at least ${COMMANDS_MIN_PER_ROUND} are needed`;
  }
  return rounds.length === 0 ? "Not a single round was run" : undefined;
}

function rowsOf({ rounds }: RunResult): Row[] {
  const byFault = Map.groupBy(rounds, ({ fault }) => fault);
  const rows = [...byFault].map(([fault, results]) => rowOf(fault, results));
  return rows.length > 1 ? [...rows, rowOf("all", rounds)] : rows;
}

function rowOf(fault: string, results: readonly RoundResult[]): Row {
  const recoveries = results.flatMap(({ recovery }) => recovery ?? []);
  const sum = (count: (result: RoundResult) => number) =>
    results.reduce((total, result) => total + count(result), 0);
  return {
    fault,
    rounds: results.length,
    faults: sum(({ deeds }) => deeds.length),
    writtenMs: quantiles(recoveries.map(({ writtenMs }) => writtenMs)),
    servedMs: quantiles(recoveries.map(({ servedMs }) => servedMs)),
    commands: sum(({ commands }) => commands),
    lost: sum(({ lost }) => lost),
    violations: sum(({ violation }) => violation === undefined ? 0 : 1),
  };
}

function quantiles(values: readonly number[]): Quantiles | undefined {
  if (values.length === 0) return undefined;
  return { p50: Math.round(percentile(values, 50)), p99: Math.round(percentile(values, 99)) };
}

export function tallyText(result: RunResult): string {
  const heading = [
    "FAULT",
    "ROUNDS",
    "COUNT",
    "WRITES p50/p99 ms",
    "SERVED p50/p99 ms",
    "COMMANDS",
    "LOST",
    "VIOLATIONS",
  ];
  const rows = rowsOf(result).map((row) => [
    row.fault,
    row.rounds,
    row.faults,
    describe(row.writtenMs),
    describe(row.servedMs),
    row.commands,
    row.lost,
    row.violations,
  ]);
  const skipped = result.skipped.map(({ fault, why }) => `${fault} was left out: ${why}\n`);
  return formatTable(heading, rows) + skipped.join("");
}

function describe(quantiles: Quantiles | undefined): string {
  return quantiles === undefined ? "none" : `${quantiles.p50} / ${quantiles.p99}`;
}

export function tallyJson(result: RunResult): string {
  const { seed, skipped } = result;
  const faults = rowsOf(result).map((row) => ({
    ...row,
    writtenMs: row.writtenMs ?? null,
    servedMs: row.servedMs ?? null,
  }));
  return `${JSON.stringify({ schemaVersion: JSON_SCHEMA, seed, faults, skipped })}\n`;
}
