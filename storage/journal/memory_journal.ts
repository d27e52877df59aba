/** A journal in memory, for tests and the simulator: a part of the memory engine. */
import type { Prng } from "../../runtime/prng.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { Journal, JournalRecord } from "./journal.ts";

export interface MemoryJournalPorts {
  /** Runs a call unless the engine is closed. */
  readonly run: <T>(call: () => Promise<T>) => Promise<T>;
  /** Waits as long as the disk takes; rejects if it fails meanwhile. */
  readonly wait: (operation: "read" | "sync") => Promise<void>;
}

export class MemoryJournal implements Journal {
  readonly #ports: MemoryJournalPorts;
  /** Oldest first; replaced and never changed. The last may not be durable. */
  #records: readonly JournalRecord[];
  #synced: readonly JournalRecord[];
  #newest: number;
  #isAppending = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor(ports: MemoryJournalPorts, records: readonly JournalRecord[] = []) {
    this.#ports = ports;
    this.#records = records;
    this.#synced = records;
    this.#newest = records.at(-1)?.sequence ?? 0;
  }

  get newest(): number {
    return this.#newest;
  }

  get bytes(): number {
    return this.#records.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  append(payload: readonly Uint8Array[]): Promise<void> {
    return this.#ports.run(async () => {
      invariant(!this.#isAppending, "Records are appended one by one");
      if (this.#failure !== undefined) throw this.#failure.reason;
      this.#isAppending = true;
      const record = { sequence: this.#newest + 1, payload: Buffer.concat(payload) };
      this.#records = [...this.#records, record];
      this.#newest = record.sequence;
      try {
        await this.#ports.wait("sync");
      } catch (reason) {
        this.#failure ??= { reason };
      }
      this.#isAppending = false;
      if (this.#failure !== undefined) throw this.#failure.reason;
      this.#synced = this.#records;
    });
  }

  async *records(): AsyncGenerator<JournalRecord> {
    yield* await this.#ports.run(async () => {
      await this.#ports.wait("read");
      return this.#records.map(copyOf);
    });
  }

  forget(below: number): Promise<void> {
    return this.#ports.run(() => {
      // Of what is not durable yet nobody knows whether it will stay the newest.
      const from = Math.min(below, this.#synced.at(-1)?.sequence ?? 0);
      this.#records = this.#records.filter(({ sequence }) => sequence >= from);
      this.#synced = this.#synced.filter(({ sequence }) => sequence >= from);
      return Promise.resolve();
    });
  }

  /** What is there now, durable or not. */
  get content(): readonly JournalRecord[] {
    return this.#records;
  }

  /** The least a power cut now would leave; the same array until it is more. */
  get durable(): readonly JournalRecord[] {
    return this.#synced;
  }

  /**
   * Cuts the power: no append resolves any more.
   *
   * @param reason What it rejects with
   * @returns What is left, as the draw decides
   */
  crash(prng: Prng, reason: unknown): readonly JournalRecord[] {
    this.#failure ??= { reason };
    return this.#records !== this.#synced && prng.below(2) === 0 ? this.#synced : this.#records;
  }
}

function copyOf({ sequence, payload }: JournalRecord): JournalRecord {
  return { sequence, payload: Buffer.from(payload) };
}
