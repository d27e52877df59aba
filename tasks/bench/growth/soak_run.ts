/** Unary puts by h2load against one group, for as long as it is told to. */
import { residentBytes } from "../../../tests/e2e/memory.ts";
import { runH2load } from "../h2load.ts";
import { OurSystem } from "../our_system.ts";
import type { SystemOptions } from "../system.ts";
import type { SoakSample } from "./soak.ts";

export interface SoakOptions extends SystemOptions {
  readonly callers: number;
  readonly soakMs: number;
  readonly onSample: (sample: SoakSample) => void;
}

/** Stretches of a soak: enough to see where the memory goes. */
const STRETCHES = 40;

/**
 * @throws {LoadError} When a request failed
 * @throws {Error} When a server died
 */
export async function soak(options: SoakOptions): Promise<SoakSample[]> {
  const { callers, soakMs, onSample } = options;
  await using system = await OurSystem.start(options);
  const samples: SoakSample[] = [];
  const shape = { callers, durationMs: Math.round(soakMs / STRETCHES) };
  for (let i = 0; i < STRETCHES; i++) {
    const { requests, seconds, p99Ms } = await runH2load(system.unary("put"), shape);
    const sizes = await Promise.all(system.pids.map(residentBytes));
    const sample = {
      requests,
      perSecond: requests / seconds,
      p99Ms,
      residentBytes: sizes.reduce((sum, size) => sum + size, 0),
    };
    onSample(sample);
    samples.push(sample);
  }
  system.assertAlive();
  return samples;
}
