/**
 * Clears what past stays of shards have left in this replica's engine. Every
 * replica does so for itself, one stay at a time, and nothing of it goes
 * through the log (machine_keys.ts says why that keeps replicas equal).
 */
import type { MachineReader } from "../../raft/node/apply/state_machine.ts";
import { garbageRecordRange, type Stay, stayRange } from "../machine/machine_keys.ts";
import type { Ownership } from "../machine/ownership.ts";

export interface GarbageSweeperOptions {
  readonly machine: {
    readonly ownership: Pick<Ownership, "garbage">;
    forgetGarbage(stay: Stay): void;
  };
  readonly reader: Pick<MachineReader, "generation" | "clear">;
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
    this.#running = this.#sweep();
  }

  /** Resolves once the stay under way is cleared. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** There is garbage when it begins, so that it does not end before it is known to run. */
  async #sweep(): Promise<void> {
    const { machine, onFatal } = this.#options;
    try {
      for (;;) {
        const stay = machine.ownership.garbage[0];
        if (stay === undefined || this.#stopped) return;
        await this.#clear(stay);
      }
    } catch (error) {
      if (!this.#stopped) onFatal(error);
    } finally {
      // In one breath with the last look: what comes between the two would be left lying.
      this.#running = undefined;
    }
  }

  async #clear(stay: Stay): Promise<void> {
    const { machine, reader } = this.#options;
    const { generation } = reader;
    const records = stayRange(stay);
    await reader.clear(records.start, records.end);
    // A snapshot came in between and brought the same garbage anew, loaded or not.
    if (reader.generation !== generation) return;
    const record = garbageRecordRange(stay);
    await reader.clear(record.start, record.end);
    if (reader.generation === generation) machine.forgetGarbage(stay);
  }
}
