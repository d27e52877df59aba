/**
 * Clears what past stays of shards have left in this replica's engine. Every
 * replica does so for itself, one stay at a time, and nothing of it goes
 * through the log (machine_keys.ts says why that keeps replicas equal).
 */
import type { MachineReader } from "../raft/node/state_machine.ts";
import type { ShardMachine } from "./machine.ts";
import { garbageRecordRange, type Stay, stayRange } from "./machine_keys.ts";

export interface GarbageSweeperOptions {
  readonly machine: ShardMachine;
  readonly reader: MachineReader;
  /** Called when the engine fails. */
  readonly onFatal: (error: unknown) => void;
}

export class GarbageSweeper {
  readonly #options: GarbageSweeperOptions;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: GarbageSweeperOptions) {
    this.#options = options;
  }

  /** There may be garbage. */
  wake(): void {
    if (this.#stopped || this.#running !== undefined) return;
    if (this.#options.machine.ownership.garbage.length === 0) return;
    this.#running = this.#sweep()
      .catch((error) => this.#stopped ? undefined : this.#options.onFatal(error))
      .finally(() => this.#running = undefined);
  }

  /** Resolves once the stay under way is cleared. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #sweep(): Promise<void> {
    const { machine } = this.#options;
    for (;;) {
      const { ownership } = machine;
      const stay = ownership.garbage[0];
      if (stay === undefined || this.#stopped) return;
      await this.#clear(stay);
    }
  }

  async #clear(stay: Stay): Promise<void> {
    const { machine, reader } = this.#options;
    const { loads } = machine;
    const records = stayRange(stay);
    await reader.clear(records.start, records.end);
    // A snapshot came in between and brought the same garbage anew.
    if (machine.loads !== loads) return;
    const record = garbageRecordRange(stay);
    await reader.clear(record.start, record.end);
    machine.forgetGarbage(stay);
  }
}
