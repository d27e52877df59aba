/** What a measurement ran on. */
import { Histogram } from "../../runtime/histogram.ts";

/** Syncs to measure the disk by. */
const SYNCS = 200;
const SYNC_BYTES = 4_096;

export interface Machine {
  readonly processors: string;
  readonly memoryBytes: number;
  readonly system: string;
  readonly deno: string;
  /** Processes that wanted to run over the last minute, before anything was started. */
  readonly load: number;
  /** Median of a write of 4 KiB and its sync where the data is, in milliseconds. */
  readonly syncMs: number;
}

/** @param directory Where the data will be */
export async function describeMachine(directory: string | undefined): Promise<Machine> {
  const processors = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.*)$/m.exec(processors)?.[1] ?? "unknown processor";
  const count = [...processors.matchAll(/^processor\s*:/gm)].length;
  return {
    processors: `${count} x ${model}`,
    memoryBytes: Deno.systemMemoryInfo().total,
    system: `Linux ${Deno.osRelease()}, ${Deno.build.arch}`,
    deno: Deno.version.deno,
    load: Deno.loadavg()[0] ?? 0,
    syncMs: await measureSync(directory),
  };
}

export function machineText(machine: Machine): string {
  const { processors, memoryBytes, system, deno, load, syncMs } = machine;
  const memory = Math.round(memoryBytes / (1 << 30));
  return `${processors}, ${memory} GiB of memory, ${system}, Deno ${deno}; one machine for ` +
    `servers and clients alike. A write of 4 KiB and its sync took ${syncMs.toFixed(2)} ms ` +
    `(median); the load before was ${load.toFixed(2)}.\n`;
}

async function measureSync(directory: string | undefined): Promise<number> {
  const path = await Deno.makeTempFile(directory === undefined ? {} : { dir: directory });
  const file = await Deno.open(path, { write: true });
  try {
    const bytes = new Uint8Array(SYNC_BYTES);
    const us = new Histogram();
    for (let i = 0; i < SYNCS; i++) {
      const start = performance.now();
      await file.write(bytes);
      await file.syncData();
      us.record((performance.now() - start) * 1_000);
    }
    return us.percentile(50) / 1_000;
  } finally {
    file.close();
    await Deno.remove(path);
  }
}
