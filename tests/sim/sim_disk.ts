/** The disk of one node: keeps its engine from life to life, is slow at times, loses what was not synced. */
import { sleep } from "../../runtime/clock.ts";
import type { Clock } from "../../runtime/clock.ts";
import { MemoryEngine, type MemoryOperation } from "../../storage/memory_engine.ts";
import type { Draw } from "./draw.ts";
import type { DiskOptions } from "./options.ts";

/** A slow read: long enough for writes to reach the engine between two reads that belong together. */
const SLOW_READ_MS_MAX = 60;

export interface SimDiskOptions {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly latency: DiskOptions;
}

export class SimDisk {
  readonly #options: SimDiskOptions;
  #engine: MemoryEngine;
  /** Every sync takes this many milliseconds more. */
  #slowMs = 0;
  #number = 1;

  constructor(options: SimDiskOptions) {
    this.#options = options;
    this.#engine = this.#blank();
  }

  get engine(): MemoryEngine {
    return this.#engine;
  }

  /** Counts the disks of this node: a wiped one is another. */
  get number(): number {
    return this.#number;
  }

  slowDown(extraMs: number): void {
    this.#slowMs = extraMs;
  }

  /** Cuts the power: of what is not synced, the seed decides what survives. */
  crash(): void {
    this.#engine = this.#engine.crash(this.#options.draw.prng);
  }

  /** Cuts the power and loses everything. */
  wipe(): void {
    this.crash();
    this.#engine = this.#blank();
    this.#number++;
  }

  /** After an orderly end: everything written is there. */
  async reopen(): Promise<void> {
    await this.#engine.close();
    this.#engine = this.#engine.reopen();
  }

  #blank(): MemoryEngine {
    return new MemoryEngine({ delay: (operation) => this.#delay(operation) });
  }

  #delay(operation: MemoryOperation): Promise<void> {
    const { clock, draw, latency } = this.#options;
    if (operation === "read") {
      return draw.oneIn(latency.slowReadOdds)
        ? sleep(clock, draw.fraction() * SLOW_READ_MS_MAX)
        : done;
    }
    if (operation === "write") {
      return this.#slowMs === 0 && draw.prng.below(2) === 0
        ? done
        : sleep(clock, this.#slowMs / 4 + draw.fraction() * latency.writeMaxMs);
    }
    const ms = latency.syncMinMs + draw.fraction() * (latency.syncMaxMs - latency.syncMinMs);
    return sleep(clock, this.#slowMs + ms);
  }
}

const done = Promise.resolve();
