/** What processes and directories have used up, as the system sees it. */
import { residentBytes } from "./memory.ts";

/** Ticks of a second in which Linux counts the processor time of processes, on every machine it supports. */
const CLOCK_TICKS_PER_SECOND = 100;

/**
 * Fields of /proc/<pid>/stat behind the name, which may hold anything: user and
 * system time, and those of children that have ended and were waited for.
 */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;
const CHILDREN_UTIME_FIELD = 13;
const CHILDREN_STIME_FIELD = 14;

export interface ProcessUsage {
  /** Since the process began. */
  readonly cpuSeconds: number;
  /** Of its children that have ended, and theirs. */
  readonly endedChildrenCpuSeconds: number;
  readonly residentBytes: number;
}

/**
 * What a process has used so far.
 *
 * @throws {Deno.errors.NotFound} When it is gone
 */
export async function processUsage(pid: number): Promise<ProcessUsage> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const seconds = (user: number, system: number) =>
    (Number(fields[user]) + Number(fields[system])) / CLOCK_TICKS_PER_SECOND;
  return {
    cpuSeconds: seconds(UTIME_FIELD, STIME_FIELD),
    endedChildrenCpuSeconds: seconds(CHILDREN_UTIME_FIELD, CHILDREN_STIME_FIELD),
    residentBytes: await residentBytes(pid),
  };
}

/**
 * Bytes that processes have had written to disk since they began; 0 where the
 * data is in memory only (tmpfs).
 *
 * @throws {Deno.errors.NotFound} When one of them is gone
 */
export async function writtenBytes(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => Deno.readTextFile(`/proc/${pid}/io`)));
  return texts.reduce((sum, text) => sum + Number(/^write_bytes: (\d+)$/m.exec(text)?.[1]), 0);
}

/** Size and time of the last write of every file of a directory and its folders, by path within. */
export async function fileStates(directory: string): Promise<ReadonlyMap<string, string>> {
  const states = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) {
      for (const [inside, state] of await fileStates(path)) states.set(`${name}/${inside}`, state);
      continue;
    }
    const { size, mtime } = await Deno.stat(path);
    states.set(name, `${size} bytes of ${mtime?.toISOString()}`);
  }
  return states;
}

/** Names of the files that came, went or were written, sorted. */
export function changedFiles(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name)).sort();
}
