/** The machine's keys in the engine: which generation is live, and reads of it. */
import { invariant } from "../../../runtime/invariant.ts";
import type { Engine } from "../../../storage/engine.ts";
import { MACHINE_PREFIX_BYTES, machineKey, machinePrefix } from "../../../storage/key_space.ts";
import type { MachineReader } from "./state_machine.ts";

type Pair = { readonly key: Buffer; readonly value: Buffer };

export class LiveGeneration implements MachineReader {
  readonly #engine: Engine;
  #number: number;
  #prefix: Buffer;
  /** Set while a snapshot is being installed: readers wait, then see the new generation. */
  #switching: Promise<void> | undefined;

  constructor(engine: Engine, generation: number) {
    this.#engine = engine;
    this.#number = generation;
    this.#prefix = machinePrefix(generation);
  }

  get number(): number {
    return this.#number;
  }

  get generation(): number {
    return this.#number;
  }

  get prefix(): Buffer {
    return this.#prefix;
  }

  /** Makes another generation the live one; reads that come meanwhile wait until `load` is done. */
  async switchTo(generation: number, load: (reader: MachineReader) => Promise<void>) {
    invariant(this.#switching === undefined, "Generations are switched one at a time");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#number = generation;
    this.#prefix = machinePrefix(generation);
    try {
      // The machine loads through a reader of its own, which does not wait for the switch.
      const reader = new LiveGeneration(this.#engine, generation);
      this.#switching = promise;
      await load(reader);
    } finally {
      this.#switching = undefined;
      resolve();
    }
  }

  get(key: Uint8Array): Promise<Buffer | undefined> {
    return this.#stable(() => this.#engine.get(machineKey(this.#prefix, key)));
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    return this.#stable(() => {
      const prefix = this.#prefix;
      return this.#engine.getMany(keys.map((key) => machineKey(prefix, key)));
    });
  }

  scan(
    start: Uint8Array,
    end: Uint8Array,
    options: { readonly limit?: number; readonly checksAbove?: boolean } = {},
  ): Promise<Pair[]> {
    return this.#stable(async () => {
      const pairs = await this.#engine.scan(this.#range(start, end), options);
      return pairs.map(relative);
    });
  }

  iterate(start: Uint8Array, end: Uint8Array) {
    const iterator = this.#engine.iterate(this.#range(start, end));
    return {
      next: async (limit: number): Promise<Pair[]> => (await iterator.next(limit)).map(relative),
      close: () => iterator.close(),
    };
  }

  clear(start: Uint8Array, end: Uint8Array): Promise<void> {
    return this.#engine.clearRange(this.#range(start, end));
  }

  #range(start: Uint8Array, end: Uint8Array) {
    return { start: machineKey(this.#prefix, start), end: machineKey(this.#prefix, end) };
  }

  /**
   * Reads until the generation was the same before and after: the old one is
   * cleared behind a switch, and a key missing from it means nothing.
   */
  async #stable<T>(read: () => Promise<T>): Promise<T> {
    for (;;) {
      while (this.#switching !== undefined) await this.#switching;
      const generation = this.#number;
      const result = await read();
      if (generation === this.#number && this.#switching === undefined) return result;
    }
  }
}

function relative(pair: Pair): Pair {
  return { key: pair.key.subarray(MACHINE_PREFIX_BYTES), value: pair.value };
}
