/** How much memory processes take, as the system sees it. */

/** Resident bytes of a process; 0 once it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Samples processes until it is stopped. */
export class MemoryWatch {
  #max = new Map<number, number>();
  #timer: ReturnType<typeof setInterval>;
  #sampling: Promise<void> = Promise.resolve();

  constructor(pids: readonly number[], intervalMs = 250) {
    this.#timer = setInterval(() => this.#sampling = this.#sample(pids), intervalMs);
  }

  /** Ends the watch; returns the largest resident size of each process, in bytes. */
  async stop(): Promise<ReadonlyMap<number, number>> {
    clearInterval(this.#timer);
    await this.#sampling;
    return this.#max;
  }

  async #sample(pids: readonly number[]): Promise<void> {
    for (const pid of pids) {
      this.#max.set(pid, Math.max(this.#max.get(pid) ?? 0, await residentBytes(pid)));
    }
  }
}
