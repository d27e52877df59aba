/** What the process uses of its machine: a port, because a simulated node has no process. */
import process from "node:process";
import { type Prng, randomId } from "./prng.ts";

export interface ProcessUsage {
  /** Resident memory. */
  readonly memoryBytes: number;
  /** Of JavaScript's heap, in use. */
  readonly heapBytes: number;
  /** Time on a processor since the start, the system's on its behalf too, in microseconds. */
  readonly cpuUs: number;
}

export interface HostProcess {
  /** Another one after every start. */
  readonly startId: string;
  usage(): ProcessUsage;
}

/** The process that this code runs in. */
export function thisProcess(prng: Prng): HostProcess {
  return {
    startId: randomId(prng),
    usage() {
      const { rss, heapUsed } = Deno.memoryUsage();
      const { user, system } = process.cpuUsage();
      return { memoryBytes: rss, heapBytes: heapUsed, cpuUs: user + system };
    },
  };
}

/** Stands for a process where there is none to tell of. */
export const noProcess: HostProcess = {
  startId: "0",
  usage: () => ({ memoryBytes: 0, heapBytes: 0, cpuUs: 0 }),
};
