/** The operations that have no place yet, in order, with removal and its exact reversal in O(1). */

/** A linked list over 0..n-1, in a given order; slot n is the ring's head. */
export class IndexList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head: number;

  /** @param order Each of 0..n-1 once */
  constructor(order: readonly number[]) {
    const head = order.length;
    this.#head = head;
    this.#next = new Int32Array(head + 1);
    this.#previous = new Int32Array(head + 1);
    let before = head;
    for (const index of [...order, head]) {
      this.#next[before] = index;
      this.#previous[index] = before;
      before = index;
    }
  }

  /** The first index, or -1 if there is none. */
  get first(): number {
    return this.after(this.#head);
  }

  /** The index that follows one in the list, or -1 at its end. */
  after(index: number): number {
    const next = this.#next[index] as number;
    return next === this.#head ? -1 : next;
  }

  remove(index: number): void {
    const previous = this.#previous[index] as number;
    const next = this.#next[index] as number;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  /** Undoes removals; the last one removed comes back first. */
  restore(index: number): void {
    this.#next[this.#previous[index] as number] = index;
    this.#previous[this.#next[index] as number] = index;
  }
}

const BITS_PER_WORD = 16;
const FULL_WORD = 0xffff;

/** A set of 0..n-1 that grows from below, and has a short name for that. */
export class IndexSet {
  readonly #words: Uint16Array;
  /** Words below this one are full. */
  #firstOpen = 0;
  /** This word and those above it are empty. */
  #end = 0;

  constructor(size: number) {
    this.#words = new Uint16Array(Math.ceil(size / BITS_PER_WORD));
  }

  add(index: number): void {
    const word = (index / BITS_PER_WORD) | 0;
    this.#words[word] = (this.#words[word] as number) | (1 << (index % BITS_PER_WORD));
    if (word >= this.#end) this.#end = word + 1;
    while (this.#words[this.#firstOpen] === FULL_WORD) this.#firstOpen++;
  }

  delete(index: number): void {
    const word = (index / BITS_PER_WORD) | 0;
    this.#words[word] = (this.#words[word] as number) & ~(1 << (index % BITS_PER_WORD));
    if (word < this.#firstOpen) this.#firstOpen = word;
  }

  /** Equal for equal sets only; as long as what lies above the full part. */
  get name(): string {
    while (this.#end > this.#firstOpen && this.#words[this.#end - 1] === 0) this.#end--;
    let name = `${this.#firstOpen},${Math.max(0, this.#end - this.#firstOpen)}:`;
    for (let i = this.#firstOpen; i < this.#end; i++) {
      name += String.fromCharCode(this.#words[i] as number);
    }
    return name;
  }

  /** The members as they are now, to be compared with those of later. */
  snapshot(): Uint16Array {
    return this.#words.slice();
  }

  /** Whether all members of that time are members now. */
  includesAll(snapshot: Uint16Array): boolean {
    for (let i = 0; i < snapshot.length; i++) {
      const then = snapshot[i] as number;
      if ((then & (this.#words[i] as number)) !== then) return false;
    }
    return true;
  }
}
