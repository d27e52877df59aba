/** What `deno task sim --mutants` prints. */
import type { MutantReport, Verdict } from "./prove.ts";

/** Characters of a failure's first line. */
const FAILURE_CHARS_MAX = 150;

/** One line for one mutant. */
export function describeMutant({ mutant, verdict, elapsedMs }: MutantReport): string {
  const seconds = `${(elapsedMs / 1_000).toFixed(0)} s`.padStart(6);
  return `${mutant.name.padEnd(32)} ${seconds}  ${describeVerdict(verdict)}\n`;
}

function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case "caught":
      return `caught after ${countSeeds(verdict.seeds)}: ${firstLines(verdict.text)}`;
    case "survives":
      return `SURVIVES ${countSeeds(verdict.seeds)}`;
    case "broken":
      return `BROKEN: ${verdict.text}`;
  }
}

/** What failed, and of a node that gave up why. */
function firstLines(text: string): string {
  const [first = "", ...others] = text.split("\n");
  const cause = others.find((line) => line.startsWith("  caused by "))?.trim();
  const whole = cause === undefined ? first : `${first}, ${cause}`;
  return whole.length <= FAILURE_CHARS_MAX ? whole : `${whole.slice(0, FAILURE_CHARS_MAX)}...`;
}

/** The last line. */
export function describeProof(reports: readonly MutantReport[], elapsedMs: number): string {
  const caught = reports.filter(({ verdict }) => verdict.kind === "caught").length;
  return `${caught} of ${reports.length} planted bugs caught in ${
    (elapsedMs / 1_000).toFixed(0)
  } s\n`;
}

function countSeeds(seeds: number): string {
  return seeds === 1 ? "1 seed" : `${seeds} seeds`;
}
