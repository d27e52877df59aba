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
 * - `survives`: no seed fails
 * - `unproved`: the seed that fails with the bug fails without it too
 * - `broken`: there was no hunt
 */
export type Verdict =
  | { readonly kind: "caught"; readonly seeds: number; readonly text: string }
  | { readonly kind: "survives"; readonly seeds: number }
  | { readonly kind: "unproved"; readonly seed: number }
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
    const { seeds, caught } = await copy.with(mutant, () => huntIn(copy.dir, options));
    if (caught === undefined) return { kind: "survives", seeds };
    const control = await hunt(caught.seed, 1, options.profile);
    if (control.caught !== undefined) return { kind: "unproved", seed: caught.seed };
    return { kind: "caught", seeds, text: caught.text };
  } catch (error) {
    if (!(error instanceof StaleMutantError || error instanceof HuntError)) throw error;
    return { kind: "broken", text: error.message };
  }
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
