/** Linearizable reads in rounds: all callers that come while a round is under way share the next. */
import { KvError } from "../../../rpc/errors.ts";
import { SequenceMap } from "../../../runtime/sequence_map.ts";
import type { ReadState } from "../../ready.ts";
import type { LogIndex } from "../../types.ts";

/** Callers that may wait at a time. */
const WAITERS_MAX = 65_536;
/** Rounds under way at a time: a second one starts while the first is confirmed. */
const ROUNDS_MAX = 2;

interface Waiter {
  resolve(): void;
  reject(error: KvError): void;
}

interface Round {
  readonly waiters: readonly Waiter[];
  /** Ticks left until the round is given up; a lost confirmation must not hang its callers. */
  ticksLeft: number;
}

export class ReadBarriers {
  readonly #roundTicksMax: number;
  #queue: Waiter[] = [];
  /** By context. */
  readonly #rounds = new SequenceMap<Round>();
  /** Confirmed rounds whose index is not applied yet, in order of their indexes. */
  #confirmed: { readonly index: LogIndex; readonly waiters: readonly Waiter[] }[] = [];
  #waiters = 0;
  /** A context is never used twice, so that a late confirmation cannot serve a later read. */
  #lastContext = 0;

  constructor(roundTicksMax: number) {
    this.#roundTicksMax = roundTicksMax;
  }

  /** Whether anybody waits, be it for a round or for an index. */
  get hasWaiting(): boolean {
    return this.#waiters > 0;
  }

  enqueue(): Promise<void> {
    if (this.#waiters >= WAITERS_MAX) {
      const why = `Cannot read: ${this.#waiters} reads wait already`;
      return Promise.reject(new KvError("OVERLOADED", why));
    }
    this.#waiters++;
    return new Promise((resolve, reject) => this.#queue.push({ resolve, reject }));
  }

  /** Starts a round for all who wait, if one may start; `readIndex` may throw. */
  startRound(readIndex: (context: number) => void): void {
    if (this.#queue.length === 0 || this.#rounds.size >= ROUNDS_MAX) return;
    const context = ++this.#lastContext;
    readIndex(context);
    this.#rounds.set(context, { waiters: this.#queue, ticksLeft: this.#roundTicksMax });
    this.#queue = [];
  }

  confirm(state: ReadState, applied: LogIndex): void {
    const round = this.#rounds.get(state.context);
    if (round === undefined) return;
    this.#rounds.delete(state.context);
    this.#confirmed.push({ index: state.index, waiters: round.waiters });
    this.onApplied(applied);
  }

  onApplied(applied: LogIndex): void {
    if (this.#confirmed.length === 0) return;
    const ready = this.#confirmed.filter(({ index }) => index <= applied);
    if (ready.length === 0) return;
    this.#confirmed = this.#confirmed.filter(({ index }) => index > applied);
    for (const { waiters } of ready) {
      this.#waiters -= waiters.length;
      for (const waiter of waiters) waiter.resolve();
    }
  }

  drop(context: number, error: KvError): void {
    const round = this.#rounds.get(context);
    this.#rounds.delete(context);
    if (round !== undefined) this.#reject(round.waiters, error);
  }

  /** Counts down the rounds under way. */
  tick(): void {
    for (const [context, round] of [...this.#rounds.entries()]) {
      round.ticksLeft--;
      if (round.ticksLeft <= 0) {
        this.drop(context, new KvError("UNAVAILABLE", "No quorum has confirmed the read in time"));
      }
    }
  }

  /** Fails those that no round has taken up. */
  failQueued(error: KvError): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#reject(queue, error);
  }

  failAll(error: KvError): void {
    this.failQueued(error);
    for (const [context] of [...this.#rounds.entries()]) this.drop(context, error);
    const confirmed = this.#confirmed;
    this.#confirmed = [];
    for (const { waiters } of confirmed) this.#reject(waiters, error);
  }

  #reject(waiters: readonly Waiter[], error: KvError): void {
    this.#waiters -= waiters.length;
    for (const waiter of waiters) waiter.reject(error);
  }
}
