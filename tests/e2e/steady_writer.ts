/** A client that never rests, and that can prove afterwards what it was told. */
import type { KvClerk } from "../../client/kv_clerk.ts";

/** Keys of one getMany while everything is checked. */
const BATCH_KEYS = 1000;

/** Writes that go one after the other: number n is sent once n - 1 is acknowledged. */
interface Lane {
  readonly name: string;
  /** Writes 0 to here, this one not included, are acknowledged. */
  acknowledged: number;
}

const decoder = new TextDecoder();

/** Puts without pause, several at a time, each to a key of its own. */
export class SteadyWriter {
  readonly #clerk: KvClerk;
  readonly #lanes: readonly Lane[];
  readonly #running: Promise<unknown>;
  /** What happens on demand beside the lanes. */
  readonly #extra: Lane = { name: "extra", acknowledged: 0 };
  #stopped = false;

  /** Begins at once. */
  constructor(clerk: KvClerk, lanes: number) {
    this.#clerk = clerk;
    this.#lanes = Array.from({ length: lanes }, (_, lane) => ({
      name: `lane-${lane}`,
      acknowledged: 0,
    }));
    this.#running = Promise.all(this.#lanes.map((lane) => this.#run(lane)));
    this.#running.catch(() => {});
  }

  /** Number of writes that were acknowledged. */
  get acknowledged(): number {
    return this.#all.reduce((sum, lane) => sum + lane.acknowledged, 0);
  }

  /** One write that is sent now; resolves when it is acknowledged. One at a time. */
  async writeNow(): Promise<void> {
    await this.#put(this.#extra);
  }

  /**
   * Ends the writing and waits for what is under way.
   *
   * @throws {KvError} If a write has failed
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Reads every write that was acknowledged; returns the keys that are not what they should be. */
  async missing(): Promise<string[]> {
    const missing: string[] = [];
    for (const { name, acknowledged } of this.#all) {
      for (let first = 0; first < acknowledged; first += BATCH_KEYS) {
        const count = Math.min(BATCH_KEYS, acknowledged - first);
        const keys = Array.from({ length: count }, (_, index) => `${name}-${first + index}`);
        const values = await this.#clerk.getMany(keys);
        missing.push(
          ...keys.filter((key, index) => decoder.decode(values[index]) !== valueOf(key)),
        );
      }
    }
    return missing;
  }

  get #all(): readonly Lane[] {
    return [...this.#lanes, this.#extra];
  }

  async #run(lane: Lane): Promise<void> {
    while (!this.#stopped) await this.#put(lane);
  }

  async #put(lane: Lane): Promise<void> {
    const key = `${lane.name}-${lane.acknowledged}`;
    await this.#clerk.put(key, valueOf(key));
    lane.acknowledged++;
  }
}

/** The value is a function of the key, so that every single one can be checked. */
function valueOf(key: string): string {
  return `value of ${key}`;
}
