/**
 * Leases: for a while after a quorum has answered a heartbeat none of it votes
 * for another node, so that its sender leads alone and may answer reads without
 * asking again (thesis section 6.4.1). Time is what the driver says it is; how
 * long a lease lasts must leave room for clocks that run at different speeds.
 */
import { invariant } from "../../runtime/invariant.ts";

/** A round of heartbeats and when it began to leave. */
interface Sent {
  readonly sequence: number;
  readonly atMs: number;
}

/** Rounds that wait for a quorum; more are not worth remembering, a newer one proves the same. */
const ROUNDS_MAX = 64;

export class Lease {
  /** Rounds without a quorum's answers. Invariant: sequences and times rise. */
  #sent: Sent[] = [];
  /** When the newest round that a quorum has answered was sent. */
  #provenMs = -Infinity;
  #isVoid = false;

  /** A round of heartbeats leaves. */
  sent(sequence: number, atMs: number): void {
    const last = this.#sent.at(-1);
    invariant(
      last === undefined || last.sequence < sequence,
      () => `Round ${sequence} follows round ${last?.sequence}`,
    );
    this.#sent.push({ sequence, atMs });
    if (this.#sent.length > ROUNDS_MAX) this.#sent.shift();
  }

  /** A quorum has answered round `sequence`, and so all before it. */
  confirmed(sequence: number): void {
    for (let round = this.#sent[0]; round && round.sequence <= sequence; round = this.#sent[0]) {
      this.#provenMs = Math.max(this.#provenMs, round.atMs);
      this.#sent.shift();
    }
  }

  /** Whether nobody else can lead at `nowMs`. */
  isValid(nowMs: number, leaseMs: number): boolean {
    return !this.#isVoid && nowMs - this.#provenMs < leaseMs;
  }

  /**
   * Other members vote from now on: what was proven says nothing of them. The
   * rounds that were sent stay, as whoever answers one promises the same.
   */
  votersChanged(): void {
    this.#provenMs = -Infinity;
  }

  /**
   * Gives leases up for the rest of the term: somebody was told to campaign
   * against this leader's protection, and may do so at any time from now on.
   */
  giveUp(): void {
    this.#isVoid = true;
  }

  /** A new role begins. */
  reset(): void {
    this.#sent = [];
    this.#provenMs = -Infinity;
    this.#isVoid = false;
  }
}
