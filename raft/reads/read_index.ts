/**
 * Linearizable reads without log entries (thesis section 6.4): a leader notes
 * its commit index, has a quorum confirm that it still leads, and answers.
 */
import { invariant } from "../../runtime/invariant.ts";
import type { LogIndex, NodeId } from "../types.ts";

/** Who asked, and the name under which the asker knows the request. */
export interface ReadRequest {
  readonly from: NodeId;
  readonly context: number;
}

/** Requests that one round of heartbeats confirms. */
export interface ReadBatch {
  readonly sequence: number;
  /** The commit index when the round began, hence at or above any commit index at the time of asking. */
  readonly index: LogIndex;
  readonly requests: readonly ReadRequest[];
}

/**
 * The reads a leader works on. Each round of heartbeats has a number; an answer
 * to a later round confirms the earlier ones as well. Numbers are used within
 * one term only, and a leader leads a term once, so a late answer can never
 * confirm a read that began after it was sent.
 */
export class LeaderReads {
  /** Asked for, not in a round yet. */
  #waiting: ReadRequest[] = [];
  /** Invariant: sequences rise and indexes never fall. */
  #batches: ReadBatch[] = [];
  /** The highest round that each member answered. */
  readonly #answered = new Map<NodeId, number>();
  #lastSequence = 0;
  /** Invariant: the number of requests in `waiting` and in all batches. */
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The newest round that lacks confirmation, 0 if none does. */
  get unconfirmedSequence(): number {
    return this.#batches.length === 0 ? 0 : this.#lastSequence;
  }

  add(request: ReadRequest): void {
    this.#waiting.push(request);
    this.#size++;
  }

  /** Begins a round of heartbeats that no request waits for. */
  beginEmptyRound(): number {
    return ++this.#lastSequence;
  }

  /** Puts all waiting requests into a round of heartbeats. */
  beginRound(index: LogIndex): void {
    invariant(this.#waiting.length > 0, "A round of heartbeats has requests to confirm");
    const previous = this.#batches[this.#batches.length - 1];
    invariant(
      previous === undefined || previous.index <= index,
      () => `Read index ${index} is not below the one before, ${previous?.index}`,
    );
    this.#lastSequence++;
    this.#batches.push({ sequence: this.#lastSequence, index, requests: this.#waiting });
    this.#waiting = [];
  }

  /** A member answered the heartbeat of a round; nonsense numbers confirm nothing. */
  answer(from: NodeId, sequence: number): void {
    if (sequence > this.#lastSequence) return;
    this.#answered.set(from, Math.max(sequence, this.answeredBy(from)));
  }

  answeredBy(id: NodeId): number {
    return this.#answered.get(id) ?? 0;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** Removes and returns the rounds up to `sequence`. */
  takeConfirmed(sequence: number): readonly ReadBatch[] {
    const pending = this.#batches.findIndex((batch) => batch.sequence > sequence);
    const confirmed = this.#batches.splice(0, pending === -1 ? this.#batches.length : pending);
    for (const batch of confirmed) this.#size -= batch.requests.length;
    invariant(this.#size >= 0, () => `Number of reads ${this.#size} is not negative`);
    return confirmed;
  }

  /** Gives up everything, at the end of a leadership. */
  clear(): readonly ReadRequest[] {
    const dropped = this.#batches.flatMap((batch) => batch.requests).concat(this.#waiting);
    invariant(dropped.length === this.#size, () => `All ${this.#size} reads are given up`);
    this.#waiting = [];
    this.#batches = [];
    this.#answered.clear();
    this.#size = 0;
    return dropped;
  }
}

interface Forwarded {
  readonly context: number;
  readonly expiresAtTick: number;
}

/**
 * The reads a follower has passed on to its leader. They travel under numbers
 * of their own, which begin at a random place: an answer that was meant for an
 * earlier life of this node must not be taken for one to a newer request.
 */
export class ForwardedReads {
  readonly #requests = new Map<number, Forwarded>();
  #nextNumber: number;
  #tick = 0;

  /** @param firstNumber A random number; 1 or more */
  constructor(firstNumber: number) {
    invariant(firstNumber >= 1, () => `First number ${firstNumber} is 1 or more`);
    this.#nextNumber = firstNumber;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** Notes a request and returns the number under which it travels. */
  add(context: number, ticksMax: number): number {
    const number = this.#nextNumber++;
    invariant(Number.isSafeInteger(number), () => `Request number ${number} is exact`);
    this.#requests.set(number, { context, expiresAtTick: this.#tick + ticksMax });
    return number;
  }

  /** The context of an answered request; undefined if nobody waits for it any more. */
  take(number: number): number | undefined {
    const request = this.#requests.get(number);
    this.#requests.delete(number);
    return request?.context;
  }

  /** Counts a tick and returns the contexts of requests that went unanswered for too long. */
  tick(): readonly number[] {
    this.#tick++;
    const expired: number[] = [];
    // Insertion order is expiry order.
    for (const [number, request] of this.#requests) {
      if (request.expiresAtTick > this.#tick) break;
      this.#requests.delete(number);
      expired.push(request.context);
    }
    return expired;
  }

  /** Gives up everything: the leader that was asked is gone. */
  clear(): readonly number[] {
    const contexts = [...this.#requests.values()].map((request) => request.context);
    this.#requests.clear();
    return contexts;
  }
}
