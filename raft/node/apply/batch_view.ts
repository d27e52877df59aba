/**
 * What the commands of a few batches see: values read ahead from the engine,
 * overlaid with their own writes.
 */
import { invariant } from "../../../runtime/invariant.ts";
import type { Write } from "../../../storage/engine.ts";
import type { KeyHash } from "./key_hash.ts";
import type { KnownLength, KnownLengths } from "./known_lengths.ts";
import { nearOrder } from "./near_order.ts";
import type { Lookahead, MachineView, RecordRef } from "./state_machine.ts";

/** Reads values in the order of their keys. */
export type ReadMany = (keys: readonly Uint8Array[]) => Promise<(Uint8Array | undefined)[]>;

/** Chains of a view: about as many as it has records when it is full. */
const CHAINS = 2_048;
/**
 * Keys looked up at once. The engine knows the length of a value only with the value
 * itself: of a thousand keys that are deleted it would bring a thousand values, of up to
 * 1 MiB each, into memory. So many still keep two of its threads busy.
 */
const LOOK_UP_KEYS_MAX = 128;

/** What is known of a record, and whether that has changed. */
class Slot implements RecordRef, KeyHash {
  readonly key: Uint8Array;
  a = 0;
  b = 0;
  c = 0;
  /** Another one of the same chain. */
  next: Slot | undefined = undefined;
  /** Undefined if there is none, or if nobody wanted more than its length. */
  value: Uint8Array | undefined = undefined;
  /** Once it was looked up. */
  hasValue = false;
  /** Bytes of the value; undefined if there is none. */
  length: number | undefined = undefined;
  /** Once it was looked up. */
  hasLength = false;
  /** Stands among those that are to be looked up. */
  isAsked = false;
  /** What is remembered of the length beyond this view; undefined if it must be looked up. */
  known: KnownLength | undefined = undefined;
  written = false;

  constructor(key: Uint8Array) {
    this.key = key;
  }
}

export class BatchView implements MachineView, Lookahead {
  readonly #known: KnownLengths;
  /** Chains of records by the end of {@linkcode Slot.a}; a `Map` would grow step by step in every view. */
  readonly #chains = new Array<Slot | undefined>(CHAINS).fill(undefined);
  /** Wanted and not looked up yet. */
  #asked: Slot[] = [];
  /** In the order in which they were written first. */
  readonly #written: Slot[] = [];
  #bytes = 0;
  /**
   * The result of the reads in {@linkcode BatchView.#drawValues}: without it a
   * compiler could drop them.
   */
  #drawn = 0;

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

  record(key: Uint8Array): Slot {
    const slot = new Slot(key);
    this.#known.hash(key, slot);
    const found = this.#find(slot);
    if (found !== undefined) return found;
    const chain = slot.a & (CHAINS - 1);
    slot.next = this.#chains[chain];
    this.#chains[chain] = slot;
    return slot;
  }

  value(key: Uint8Array): Slot {
    const slot = this.record(key);
    if (!slot.hasValue) this.#ask(slot);
    slot.hasValue = true;
    slot.hasLength = true;
    return slot;
  }

  length(key: Uint8Array): Slot {
    const slot = this.record(key);
    if (!slot.hasLength) this.#ask(slot);
    slot.hasLength = true;
    return slot;
  }

  /** Values that are wanted whole and not looked up yet. */
  get valuesAsked(): number {
    let count = 0;
    for (const { hasValue } of this.#asked) if (hasValue) count++;
    return count;
  }

  /** Takes back whatever was asked for and not looked up yet. */
  withdraw(): void {
    for (const slot of this.#asked) {
      slot.isAsked = false;
      slot.hasValue = false;
      slot.hasLength = false;
    }
    this.#asked = [];
  }

  /**
   * Reads what was asked for and is not known yet, some keys after the other. May be
   * called again for the next commands once these are applied.
   *
   * @param earlier A view whose writes are on their way to the engine, where they
   *   cannot be read yet
   */
  async lookUp(read: ReadMany, earlier?: BatchView): Promise<void> {
    const asked = this.#asked;
    if (asked.length === 0) return;
    this.#asked = [];
    this.#known.draw(asked);
    const wanted = asked.filter((slot) => {
      slot.isAsked = false;
      return !this.#isKnown(slot) && !this.#isOnItsWay(slot, earlier);
    });
    for (let at = 0; at < wanted.length; at += LOOK_UP_KEYS_MAX) {
      await this.#read(wanted.slice(at, at + LOOK_UP_KEYS_MAX), read);
    }
  }

  get({ key, hasValue, value }: Slot): Uint8Array | undefined {
    invariant(hasValue, () => notLookedUp("value", key));
    return value;
  }

  lengthOf({ key, hasLength, length }: Slot): number | undefined {
    invariant(hasLength, () => notLookedUp("length", key));
    return length;
  }

  put(record: Slot, value: Uint8Array): void {
    this.#write(record, value);
    this.#bytes += value.length;
  }

  del(record: Slot): void {
    this.#write(record, undefined);
  }

  /** Takes in what a machine has flushed. */
  overlay(writes: readonly Write[]): void {
    for (const write of writes) {
      if (write.type === "put") this.put(this.record(write.key), write.value);
      else this.del(this.record(write.key));
    }
  }

  /**
   * The last write of each key, under the generation's prefix, neighbours one
   * after the other; from now on they count as known.
   */
  takeWrites(prefix: Uint8Array): Write[] {
    this.#drawValues();
    const writes: Write[] = [];
    for (const at of nearOrder(this.#written)) {
      const slot = this.#written[at] as Slot;
      const { key, value, known } = slot;
      const length = value?.length ?? "absent";
      // To find it again takes longer than all the rest.
      if (length !== known) this.#known.update(slot, length);
      if (value === undefined) writes.push({ type: "del", prefix, key });
      else writes.push({ type: "put", prefix, key, value });
    }
    return writes;
  }

  /**
   * Touches the values in the order in which the processor reads memory ahead; in
   * any other order each would be a cache miss.
   */
  #drawValues(): void {
    let drawn = this.#drawn;
    for (const { value } of this.#written) {
      if (value !== undefined) drawn ^= (value[0] ?? 0) ^ (value[value.length - 1] ?? 0);
    }
    this.#drawn = drawn;
  }

  #ask(slot: Slot): void {
    if (slot.isAsked) return;
    slot.isAsked = true;
    this.#asked.push(slot);
  }

  /** Whether all that is wanted of a record is remembered; takes it over if so. */
  #isKnown(slot: Slot): boolean {
    if (slot.hasValue) return false;
    const known = this.#known.get(slot);
    slot.known = known;
    if (known !== "absent") slot.length = known;
    return known !== undefined;
  }

  /** Of values of which only the length is wanted nothing is left in memory afterwards. */
  async #read(slots: readonly Slot[], read: ReadMany): Promise<void> {
    const found = await read(slots.map(({ key }) => key));
    for (const [i, slot] of slots.entries()) this.#fill(slot, found[i]);
  }

  #isOnItsWay(slot: Slot, earlier: BatchView | undefined): boolean {
    const before = earlier === undefined ? undefined : earlier.#find(slot);
    if (before === undefined || !before.written) return false;
    this.#fill(slot, before.value);
    return true;
  }

  #fill(slot: Slot, value: Uint8Array | undefined): void {
    slot.known = value?.length ?? "absent";
    this.#known.set(slot, slot.known);
    slot.length = value?.length;
    if (!slot.hasValue) return;
    slot.value = value;
    this.#bytes += value?.length ?? 0;
  }

  #write(slot: Slot, value: Uint8Array | undefined): void {
    slot.value = value;
    slot.hasValue = true;
    slot.length = value?.length;
    slot.hasLength = true;
    if (slot.written) return;
    slot.written = true;
    this.#written.push(slot);
  }

  #find({ key, a }: Slot): Slot | undefined {
    let slot = this.#chains[a & (CHAINS - 1)];
    while (slot !== undefined && !(slot.a === a && areEqual(slot.key, key))) slot = slot.next;
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
