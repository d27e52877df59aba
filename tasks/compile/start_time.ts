/** How long an executable takes to start. */
import { runCommand } from "./command.ts";

export interface StartTimes {
  readonly firstMs: number;
  /** The fastest of three. */
  readonly laterMs: number;
}

const LATER_STARTS = 3;

/** Starts an executable on a machine that has never seen it, then again. */
export async function measureStart(file: string): Promise<StartTimes> {
  const cache = await Deno.makeTempDir({ prefix: "eraft_start_" });
  const startMs = async () => {
    const from = performance.now();
    await runCommand(file, ["-version"], { env: { ERAFT_CACHE: cache } });
    return performance.now() - from;
  };
  try {
    const firstMs = await startMs();
    const later: number[] = [];
    while (later.length < LATER_STARTS) later.push(await startMs());
    return { firstMs, laterMs: Math.min(...later) };
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
}
