/** Shows that the simulator finds planted bugs: hunts each in a copy of the source. */
import { type Mutant, StaleMutantError } from "../../../tests/sim/mutants/mutant.ts";
import type { Profile } from "../../../tests/sim/options.ts";
import { type Hunt, hunt } from "./hunt.ts";
import { MutatedCopy } from "./mutated_copy.ts";

export interface ProofOptions {
  /** The project. */
  readonly root: string;
  readonly mutants: readonly Mutant[];
  readonly firstSeed: number;
  /** Seeds after which a mutant counts as one that survives. */
  readonly seedsMax: number;
  readonly profile: Profile;
  /** Mutants that are hunted at the same time. */
  readonly jobs: number;
  readonly onReport: (report: MutantReport) => void;
}

/**
 * - `caught`: a seed fails with the bug and passes without it
 * - `survives`: no seed does
 * - `broken`: there was no hunt
 */
export type Verdict =
  | { readonly kind: "caught"; readonly seeds: number; readonly text: string }
  | { readonly kind: "survives"; readonly seeds: number }
  | { readonly kind: "broken"; readonly text: string };

export interface MutantReport {
  readonly mutant: Mutant;
  readonly verdict: Verdict;
  readonly elapsedMs: number;
}

/** A hunt ended without a result: its program did not run. */
class HuntError extends Error {
  override readonly name = "HuntError";
}

/** Reports as the hunts end. */
export async function prove(options: ProofOptions): Promise<void> {
  const waiting = [...options.mutants];
  const worker = async () => {
    await using copy = await MutatedCopy.create(options.root);
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const startedAt = performance.now();
      const verdict = await judge(copy, mutant, options);
      options.onReport({ mutant, verdict, elapsedMs: performance.now() - startedAt });
    }
  };
  const jobs = Math.min(options.jobs, options.mutants.length);
  await Promise.all(Array.from({ length: jobs }, worker));
}

async function judge(
  copy: MutatedCopy,
  mutant: Mutant,
  options: ProofOptions,
): Promise<Verdict> {
  try {
    return await huntUnlessUsual(copy, mutant, options);
  } catch (error) {
    if (!(error instanceof StaleMutantError || error instanceof HuntError)) throw error;
    return { kind: "broken", text: error.message };
  }
}

/** Passes over seeds that fail without the bug too: what they find is something else. */
async function huntUnlessUsual(
  copy: MutatedCopy,
  mutant: Mutant,
  options: ProofOptions,
): Promise<Verdict> {
  const { firstSeed, seedsMax, profile } = options;
  for (let seeds = 0; seeds < seedsMax;) {
    const rest = { ...options, firstSeed: firstSeed + seeds, seedsMax: seedsMax - seeds };
    const found = await copy.with(mutant, () => huntIn(copy.dir, rest));
    seeds += found.seeds;
    if (found.caught === undefined) break;
    const { seed, text } = found.caught;
    const control = await hunt(seed, 1, profile);
    if (control.caught === undefined) return { kind: "caught", seeds, text };
  }
  return { kind: "survives", seeds: seedsMax };
}

/** A process of its own, so that every module is loaded with the bug in it. */
async function huntIn(dir: string, { firstSeed, seedsMax, profile }: ProofOptions): Promise<Hunt> {
  const program = ["run", "-A", "--quiet", "--no-check", "tasks/sim/mutation/hunt.ts"];
  const args = [...program, String(firstSeed), String(seedsMax), profile];
  const command = new Deno.Command(Deno.execPath(), { args, cwd: dir });
  const { stdout, stderr, success } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new HuntError(`Cannot hunt the mutant: ${decoder.decode(stderr).trim()}`);
  return JSON.parse(decoder.decode(stdout));
}
