/** What the commands of some batches see: what was looked up ahead, overlaid with their own writes. */
import { invariant } from "../../runtime/invariant.ts";
import type { Write } from "../../storage/engine.ts";
import { machineKey } from "../../storage/key_space.ts";
import type { KnownLengths } from "./known_lengths.ts";
import type { Lookahead, MachineView } from "./state_machine.ts";

/** Reads values in the order of their keys. */
export type ReadMany = (keys: readonly Uint8Array[]) => Promise<(Uint8Array | undefined)[]>;

/** What is known of a key, and whether that has changed. */
interface Slot {
  readonly key: Uint8Array;
  /** Undefined if there is none, or if nobody wanted more than its length. */
  value: Uint8Array | undefined;
  hasValue: boolean;
  /** Bytes of the value; undefined if there is none. */
  length: number | undefined;
  written: boolean;
}

export class BatchView implements MachineView {
  readonly #known: KnownLengths;
  /** By the key's bytes as Latin-1 text. */
  readonly #slots = new Map<string, Slot>();
  /** The same by the very array: whoever looks ahead mostly keeps it, and making text of it takes longer than the rest. */
  readonly #byArray = new Map<Uint8Array, Slot>();
  /** In the order in which they were written first. */
  readonly #written: Slot[] = [];
  #bytes = 0;

  /** @param known What earlier views have learned; learns from this one */
  constructor(known: KnownLengths) {
    this.#known = known;
  }

  /** Records that {@linkcode takeWrites} will write. */
  get records(): number {
    return this.#written.length;
  }

  /** Bytes of the values that were read and written so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Looks up what the commands will want; reads what is not known, in one go.
   * May be called again once they are applied, for the next ones.
   */
  async lookUp({ values, lengths }: Lookahead, read: ReadMany): Promise<void> {
    const wanted: Slot[] = [];
    for (const key of values) {
      const slot = this.#slotOf(key) ?? this.#add(key);
      if (slot.hasValue) continue;
      slot.hasValue = true;
      wanted.push(slot);
    }
    for (const key of lengths) {
      if (this.#slotOf(key) !== undefined) continue;
      const slot = this.#add(key);
      const known = this.#known.get(key);
      if (known === undefined) wanted.push(slot);
      else if (known !== "absent") slot.length = known;
    }
    if (wanted.length === 0) return;
    const found = await read(wanted.map(({ key }) => key));
    for (const [i, slot] of wanted.entries()) {
      const value = found[i];
      this.#known.set(slot.key, value?.length ?? "absent");
      slot.length = value?.length;
      if (!slot.hasValue) continue;
      slot.value = value;
      this.#bytes += value?.length ?? 0;
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const slot = this.#slotOf(key);
    invariant(slot?.hasValue, () => notLookedUp("value", key));
    return slot.value;
  }

  lengthOf(key: Uint8Array): number | undefined {
    const slot = this.#slotOf(key);
    invariant(slot !== undefined, () => notLookedUp("length", key));
    return slot.length;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#write(key, value);
    this.#bytes += value.length;
  }

  del(key: Uint8Array): void {
    this.#write(key, undefined);
  }

  /** Takes in what a machine has flushed. */
  overlay(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.type === "put") this.put(write.key, write.value);
      else this.del(write.key);
    }
  }

  /** The last write of each key, under the generation's prefix; from now on they count as known. */
  takeWrites(prefix: Uint8Array): Write[] {
    return this.#written.map(({ key: relative, value }): Write => {
      const key = machineKey(prefix, relative);
      this.#known.update(relative, value?.length ?? "absent");
      return value === undefined ? { type: "del", key } : { type: "put", key, value };
    });
  }

  #write(key: Uint8Array, value: Uint8Array | undefined): void {
    const slot = this.#slotOf(key) ?? this.#add(key);
    slot.value = value;
    slot.hasValue = true;
    slot.length = value?.length;
    if (slot.written) return;
    slot.written = true;
    this.#written.push(slot);
  }

  /** Found by this very array from now on. */
  #slotOf(key: Uint8Array): Slot | undefined {
    const known = this.#byArray.get(key);
    if (known !== undefined) return known;
    const slot = this.#slots.get(nameOf(key));
    if (slot !== undefined) this.#byArray.set(key, slot);
    return slot;
  }

  #add(key: Uint8Array): Slot {
    const slot = { key, value: undefined, hasValue: false, length: undefined, written: false };
    this.#slots.set(nameOf(key), slot);
    this.#byArray.set(key, slot);
    return slot;
  }
}

function nameOf(key: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = key;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function notLookedUp(what: string, key: Uint8Array): string {
  return `The ${what} of key ${Buffer.from(key).toString("hex")} was not looked up ahead`;
}
