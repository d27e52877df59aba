/** What the commands of some batches see: what was looked up ahead, overlaid with their own writes. */
import { invariant } from "../../runtime/invariant.ts";
import type { Write } from "../../storage/engine.ts";
import { machineKey } from "../../storage/key_space.ts";
import type { KeyHash } from "./key_hash.ts";
import type { KnownLength, KnownLengths } from "./known_lengths.ts";
import type { Lookahead, MachineView } from "./state_machine.ts";

/** Reads values in the order of their keys. */
export type ReadMany = (keys: readonly Uint8Array[]) => Promise<(Uint8Array | undefined)[]>;

/** What is known of a key, and whether that has changed. */
interface Slot {
  readonly key: Uint8Array;
  readonly hash: KeyHash;
  /** Another whose hash begins the same. */
  readonly next: Slot | undefined;
  /** Undefined if there is none, or if nobody wanted more than its length. */
  value: Uint8Array | undefined;
  hasValue: boolean;
  /** Bytes of the value; undefined if there is none. */
  length: number | undefined;
  /** What is remembered of the length beyond this view; undefined if it must be looked up. */
  known: KnownLength | undefined;
  written: boolean;
}

export class BatchView implements MachineView {
  readonly #known: KnownLengths;
  /** By the beginning of the key's hash. */
  readonly #slots = new Map<number, Slot>();
  /** The same by the very array: whoever looks ahead mostly keeps it, and need not hash it again. */
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
   *
   * @param earlier A view whose writes are on their way and may not be read yet
   */
  async lookUp(
    { values, lengths }: Lookahead,
    read: ReadMany,
    earlier?: BatchView,
  ): Promise<void> {
    const wanted: Slot[] = [];
    const want = (slot: Slot) => {
      const before = earlier === undefined ? undefined : earlier.#find(slot.key, slot.hash);
      if (before?.written) this.#fill(slot, before.value);
      else wanted.push(slot);
    };
    for (const key of values) {
      const slot = this.#slot(key);
      if (slot.hasValue) continue;
      slot.hasValue = true;
      want(slot);
    }
    for (const key of lengths) {
      const hash = this.#known.hash(key);
      if (this.#find(key, hash) !== undefined) continue;
      const slot = this.#add(key, hash);
      const known = this.#known.get(hash);
      slot.known = known;
      if (known === undefined) want(slot);
      else if (known !== "absent") slot.length = known;
    }
    if (wanted.length === 0) return;
    const found = await read(wanted.map(({ key }) => key));
    for (const [i, slot] of wanted.entries()) this.#fill(slot, found[i]);
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
    return this.#written.map(({ key: relative, hash, value, known }): Write => {
      const key = machineKey(prefix, relative);
      const length = value?.length ?? "absent";
      // To find it again takes longer than all the rest.
      if (length !== known) this.#known.update(hash, length);
      return value === undefined ? { type: "del", key } : { type: "put", key, value };
    });
  }

  #fill(slot: Slot, value: Uint8Array | undefined): void {
    slot.known = value?.length ?? "absent";
    this.#known.set(slot.hash, slot.known);
    slot.length = value?.length;
    if (!slot.hasValue) return;
    slot.value = value;
    this.#bytes += value?.length ?? 0;
  }

  #write(key: Uint8Array, value: Uint8Array | undefined): void {
    const slot = this.#slot(key);
    slot.value = value;
    slot.hasValue = true;
    slot.length = value?.length;
    if (slot.written) return;
    slot.written = true;
    this.#written.push(slot);
  }

  #slot(key: Uint8Array): Slot {
    const slot = this.#byArray.get(key);
    if (slot !== undefined) return slot;
    const hash = this.#known.hash(key);
    return this.#find(key, hash) ?? this.#add(key, hash);
  }

  #slotOf(key: Uint8Array): Slot | undefined {
    return this.#byArray.get(key) ?? this.#find(key, this.#known.hash(key));
  }

  /** Found by this very array from now on. */
  #find(key: Uint8Array, hash: KeyHash): Slot | undefined {
    let slot = this.#slots.get(hash.a);
    while (slot !== undefined && !areEqual(slot.key, key)) slot = slot.next;
    if (slot !== undefined) this.#byArray.set(key, slot);
    return slot;
  }

  #add(key: Uint8Array, hash: KeyHash): Slot {
    const slot: Slot = {
      key,
      hash,
      next: this.#slots.get(hash.a),
      value: undefined,
      hasValue: false,
      length: undefined,
      known: undefined,
      written: false,
    };
    this.#slots.set(hash.a, slot);
    this.#byArray.set(key, slot);
    return slot;
  }
}

// Byte by byte: for keys of this length faster than a call out of JavaScript.
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function notLookedUp(what: string, key: Uint8Array): string {
  return `The ${what} of key ${Buffer.from(key).toString("hex")} was not looked up ahead`;
}
