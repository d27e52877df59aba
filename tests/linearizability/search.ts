/**
 * The search for an order: Wing and Gong's, which extends an order by one
 * operation that may come next until all are placed or none fits, with Lowe's
 * memory of configurations (the set of placed operations and the state) that
 * led nowhere.
 *
 * Seven rules, none of which loses an order, keep it small:
 * - What only reads, and may come next, comes next, without alternatives.
 * - A "maybe" that leaves the state as it is stays open; so do those left over at the end.
 * - A "maybe" is tried only after all that surely happened.
 * - What follows a "maybe" must need it: if the result were the same without, it is skipped.
 * - What led nowhere leads nowhere with fewer "maybe" operations left to use, either.
 * - What others saw rules out steps that lead to or from it too early or late (the model's lens).
 * - What no answer tells apart, states and effects of a "maybe", is tried once (the lens again).
 */
import type { Operation } from "./history.ts";
import { ILLEGAL, type Lens, type Model } from "./model.ts";
import { IndexList, IndexSet } from "./open_operations.ts";

export interface SearchEnd {
  readonly kind: "ok" | "illegal" | "unknown";
  /** Model steps that were taken. */
  readonly steps: number;
  /** Operations that surely happened and have no place in `order`. */
  readonly left: number;
  /** The order found, or the one that leaves the fewest of those. */
  readonly order: readonly number[];
}

/** An operation that may come next, and the state it leads to. */
interface Choice<S> {
  readonly index: number;
  readonly next: S;
}

/** One place in the order: what may stand there, and what has been tried. */
interface Place<S> {
  readonly state: S;
  /** The operation that led here; -1 at the start. */
  readonly index: number;
  /** The state before a "maybe" that led here. */
  readonly without: { readonly state: S } | undefined;
  choices: readonly Choice<S>[];
  tried: number;
  /** Whether the "maybe" operations have been looked at, or need not be. */
  complete: boolean;
}

/**
 * Searches an order of all operations.
 *
 * @param operations Those that surely happened, by invocation, then the "maybe" ones, likewise
 * @param certain How many surely happened
 */
export function searchOrder<S, I, O>(
  model: Model<S, I, O>,
  operations: readonly Operation<I, O>[],
  certain: number,
  stepsMax: number,
): SearchEnd {
  return new Search(model, operations, certain, stepsMax).run();
}

/** A state, and the "maybe" operations that it took to get there. */
interface Configuration<S> {
  readonly state: S;
  readonly maybes: Uint16Array;
}

class Search<S, I, O> {
  readonly #model: Model<S, I, O>;
  readonly #operations: readonly Operation<I, O>[];
  readonly #lens: Lens<S, I> | undefined;
  readonly #isRead: readonly boolean[];
  readonly #certain: number;
  readonly #stepsMax: number;
  /** Open operations that surely happened, by invocation and by return. */
  readonly #calls: IndexList;
  readonly #returns: IndexList;
  /** Open "maybe" operations by invocation, counted from `#certain`. */
  readonly #maybes: IndexList;
  readonly #placedCertain: IndexSet;
  readonly #placedMaybe: IndexSet;
  /** Where the search has been, by the name of the placed operations that surely happened. */
  readonly #visited = new Map<string, Configuration<S>[]>();
  readonly #path: Place<S>[] = [];
  #open: number;
  #steps = 0;
  #fewestOpen = Infinity;
  #best: readonly number[] = [];

  constructor(
    model: Model<S, I, O>,
    operations: readonly Operation<I, O>[],
    certain: number,
    stepsMax: number,
  ) {
    this.#model = model;
    this.#operations = operations;
    this.#lens = model.lensFor?.(operations);
    this.#isRead = operations.map(({ input, outcome }) => model.isRead(input, outcome));
    this.#certain = certain;
    this.#open = certain;
    this.#stepsMax = stepsMax;
    const indexes = Array.from({ length: certain }, (_, i) => i);
    this.#calls = new IndexList(indexes);
    const returnOf = (index: number) => this.#at(index).return;
    this.#returns = new IndexList(indexes.toSorted((a, b) => returnOf(a) - returnOf(b)));
    const maybes = operations.length - certain;
    this.#maybes = new IndexList(Array.from({ length: maybes }, (_, i) => i));
    this.#placedCertain = new IndexSet(certain);
    this.#placedMaybe = new IndexSet(maybes);
  }

  run(): SearchEnd {
    this.#path.push(this.#placeOf(this.#model.init(), -1, undefined));
    while (this.#open > 0) {
      const place = this.#path.at(-1);
      if (place === undefined) return this.#end("illegal");
      const choice = this.#nextChoice(place);
      if (this.#steps > this.#stepsMax) {
        this.#keepBest();
        return this.#end("unknown");
      }
      if (choice === undefined) this.#goBack(place);
      else this.#goOn(place, choice);
    }
    this.#keepBest();
    return this.#end("ok");
  }

  #end(kind: SearchEnd["kind"]): SearchEnd {
    return { kind, steps: this.#steps, left: this.#fewestOpen, order: this.#best };
  }

  #at(index: number): Operation<I, O> {
    return this.#operations[index] as Operation<I, O>;
  }

  #placeOf(state: S, index: number, without: Place<S>["without"]): Place<S> {
    return { state, index, without, choices: [], tried: -1, complete: false };
  }

  #nextChoice(place: Place<S>): Choice<S> | undefined {
    if (place.tried < 0) {
      place.tried = 0;
      place.choices = this.#certainChoices(place);
    }
    if (place.tried === place.choices.length && !place.complete) {
      place.complete = true;
      place.tried = 0;
      place.choices = this.#maybeChoices(place);
    }
    return place.choices[place.tried++];
  }

  /** What may come next of all that surely happened: what was invoked before the first return. */
  #certainChoices(place: Place<S>): Choice<S>[] {
    const before = this.#at(this.#returns.first).return;
    const choices: Choice<S>[] = [];
    for (let i = this.#calls.first; i >= 0 && this.#at(i).invoke <= before;) {
      const next = this.#step(place.state, i);
      if (next !== ILLEGAL && this.#isRead[i] === true) {
        place.complete = true;
        return [{ index: i, next }];
      }
      if (next !== ILLEGAL && this.#isNeeded(place, i, next)) choices.push({ index: i, next });
      i = this.#calls.after(i);
    }
    return choices;
  }

  #maybeChoices(place: Place<S>): Choice<S>[] {
    const before = this.#at(this.#returns.first).return;
    const choices: Choice<S>[] = [];
    const seen = new Set<string>();
    for (let i = this.#maybes.first; i >= 0; i = this.#maybes.after(i)) {
      const index = this.#certain + i;
      if (this.#at(index).invoke > before) break;
      const effect = this.#lens?.effectOf(this.#at(index).input, before) ?? String(index);
      if (seen.has(effect)) continue;
      seen.add(effect);
      const next = this.#step(place.state, index);
      if (next === ILLEGAL || this.#model.equal(next, place.state)) continue;
      if (this.#isNeeded(place, index, next)) choices.push({ index, next });
    }
    return choices;
  }

  /** Whether the "maybe" that led here makes a difference to the operation. */
  #isNeeded(place: Place<S>, index: number, next: S): boolean {
    if (place.without === undefined) return true;
    const other = this.#step(place.without.state, index);
    return other === ILLEGAL || !this.#model.equal(other, next);
  }

  #step(state: S, index: number): S | typeof ILLEGAL {
    this.#steps++;
    const { input, outcome } = this.#at(index);
    const next = this.#model.step(state, input, outcome);
    if (next === ILLEGAL || this.#lens?.permits(index, state, next) === false) return ILLEGAL;
    return this.#blur(next);
  }

  #blur(state: S): S {
    if (this.#lens === undefined || this.#open === 0) return state;
    return this.#lens.blur(state, this.#at(this.#returns.first).return);
  }

  #goOn(place: Place<S>, choice: Choice<S>): void {
    const { index } = choice;
    this.#take(index);
    const next = this.#blur(choice.next);
    if (!this.#isNew(next)) return this.#giveBack(index);
    const without = index >= this.#certain ? { state: place.state } : undefined;
    this.#path.push(this.#placeOf(next, index, without));
  }

  #goBack(place: Place<S>): void {
    this.#keepBest();
    this.#path.pop();
    if (place.index >= 0) this.#giveBack(place.index);
  }

  #keepBest(): void {
    const length = this.#path.length - 1;
    // Of equal ones the shortest: it took the fewest "maybe" operations to get there.
    const isShorter = this.#open === this.#fewestOpen && length < this.#best.length;
    if (this.#open >= this.#fewestOpen && !isShorter) return;
    this.#fewestOpen = this.#open;
    this.#best = this.#path.slice(1).map(({ index }) => index);
  }

  #take(index: number): void {
    this.#lens?.placed(index);
    if (index >= this.#certain) {
      this.#maybes.remove(index - this.#certain);
      this.#placedMaybe.add(index - this.#certain);
      return;
    }
    this.#calls.remove(index);
    this.#returns.remove(index);
    this.#placedCertain.add(index);
    this.#open--;
  }

  #giveBack(index: number): void {
    this.#lens?.unplaced(index);
    if (index >= this.#certain) {
      this.#maybes.restore(index - this.#certain);
      this.#placedMaybe.delete(index - this.#certain);
      return;
    }
    this.#returns.restore(index);
    this.#calls.restore(index);
    this.#placedCertain.delete(index);
    this.#open++;
  }

  /** Whether the search has not been here before with as many operations to use; notes it. */
  #isNew(state: S): boolean {
    const name = this.#placedCertain.name;
    const visited = this.#visited.get(name) ?? [];
    const isOld = visited.some((other) =>
      this.#model.equal(other.state, state) && this.#placedMaybe.includesAll(other.maybes)
    );
    if (isOld) return false;
    if (visited.length === 0) this.#visited.set(name, visited);
    visited.push({ state, maybes: this.#placedMaybe.snapshot() });
    return true;
  }
}
