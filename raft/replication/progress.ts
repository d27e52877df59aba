/** What a leader knows and assumes about one member's log. */
import { invariant } from "../../runtime/invariant.ts";
import type { LogIndex } from "../types.ts";
import { Inflights, type InflightsOptions } from "./inflights.ts";

/**
 * - `probe`: where the logs meet is unknown; one message at a time looks for it
 * - `replicate`: the logs meet; appends are pipelined within the window
 * - `snapshot`: the member needs entries that are gone; nothing is sent until it has a snapshot
 */
export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  /** Highest index known to be durable there and equal to ours; never falls within a term. */
  #match: LogIndex = 0;
  /** First index to send next. Invariant: match < next. */
  #next: LogIndex;
  #state: ProgressState = "probe";
  /** In `snapshot`: the index of the snapshot that was named to the member, else 0. */
  #pendingSnapshot: LogIndex = 0;
  /**
   * Highest commit index that was sent to the member, as far as its log allowed it
   * to take effect.
   */
  #sentCommit: LogIndex = 0;
  readonly inflights: Inflights;
  /** In `probe`: a message is out and the next waits for an answer. */
  probeSent = false;
  /** Send something, even if there is nothing new: an earlier message may be lost. */
  pingDue = false;
  /** Hold nothing back this once (raft/replication/vanguard.ts). */
  isDue = false;
  /** Heard from since the leader last checked its quorum. */
  recentActive = false;
  /** Whether it was heard from in the period before the leader's last check of its quorum. */
  #activeBefore = false;
  /** Was sent a snapshot, and still needs entries that the log would not keep otherwise. */
  #catchingUp = false;

  constructor(next: LogIndex, options: InflightsOptions) {
    invariant(next >= 1, () => `Next index ${next} is 1 or more`);
    this.#next = next;
    this.inflights = new Inflights(options);
  }

  get match(): LogIndex {
    return this.#match;
  }

  get next(): LogIndex {
    return this.#next;
  }

  get state(): ProgressState {
    return this.#state;
  }

  get pendingSnapshot(): LogIndex {
    return this.#pendingSnapshot;
  }

  get sentCommit(): LogIndex {
    return this.#sentCommit;
  }

  /** Heard from within one to two election timeouts. */
  get active(): boolean {
    return this.recentActive || this.#activeBefore;
  }

  /**
   * Whether the member was sent a snapshot and still needs entries that the log
   * would not keep otherwise.
   */
  get catchingUp(): boolean {
    return this.#catchingUp;
  }

  /**
   * The index after which the member needs entries: what it has, or will have with
   * its snapshot.
   */
  get reach(): LogIndex {
    // What is on its way in `replicate` may be lost; everywhere else nothing leaves before an answer.
    return this.#state === "replicate" ? this.#match : this.#next - 1;
  }

  /**
   * The log keeps everything after `index` anyway: a member that has as much needs
   * no further regard.
   */
  endCatchUp(index: LogIndex): void {
    if (this.#match >= index) this.#catchingUp = false;
  }

  /** The leader has checked its quorum; from here on every member must be heard from anew. */
  beginCheck(): void {
    this.#activeBefore = this.recentActive;
    this.recentActive = false;
  }

  /** Goes back to looking for the place where the logs meet. */
  becomeProbe(): void {
    // A snapshot that may have arrived is where to look first.
    this.#next = Math.max(this.#match, this.#pendingSnapshot) + 1;
    this.#enter("probe");
  }

  /** Gives up the snapshot that was under way and probes. */
  abandonSnapshot(): void {
    invariant(this.#state === "snapshot", () => `Snapshot under way, not ${this.#state}`);
    this.#pendingSnapshot = 0;
    this.becomeProbe();
  }

  becomeReplicate(): void {
    this.#next = this.#match + 1;
    this.#enter("replicate");
  }

  becomeSnapshot(index: LogIndex): void {
    invariant(index > this.#match, () => `Snapshot ${index} leads past match ${this.#match}`);
    this.#enter("snapshot");
    this.#catchingUp = true;
    this.#pendingSnapshot = index;
    this.#next = index + 1;
  }

  #enter(state: ProgressState): void {
    this.#state = state;
    this.#pendingSnapshot = 0;
    this.#sentCommit = Math.min(this.#sentCommit, this.#next - 1);
    this.probeSent = false;
    this.pingDue = false;
    this.isDue = false;
    this.inflights.reset();
  }

  /** Notes an append message: `count` entries from `next` on, with the leader's commit index. */
  sent(count: number, bytes: number, commit: LogIndex): void {
    invariant(this.#state !== "snapshot" || count === 0, "No entries travel beside a snapshot");
    this.pingDue = false;
    const last = this.#next + count - 1;
    this.#sentCommit = Math.max(this.#sentCommit, Math.min(commit, last));
    if (this.#state === "probe") this.probeSent = true;
    if (this.#state === "replicate" && count > 0) {
      this.#next = last + 1;
      this.inflights.add(last, bytes);
    }
  }

  /**
   * The member has everything up to `index`. Late and repeated answers change
   * nothing: match and next only grow here.
   *
   * @returns Whether match has grown
   */
  acknowledge(index: LogIndex): boolean {
    if (index <= this.#match) return false;
    this.#match = index;
    this.#next = Math.max(this.#next, index + 1);
    invariant(this.#match < this.#next, () => `Match ${this.#match} is below next ${this.#next}`);
    return true;
  }

  /**
   * The member refused entries after `rejected`.
   *
   * @param hint Highest index at which the logs may still meet
   * @returns Whether that was news; false for an answer overtaken by others
   */
  refuse(rejected: LogIndex, hint: LogIndex): boolean {
    switch (this.#state) {
      case "replicate":
        if (rejected <= this.#match) return false;
        this.becomeProbe();
        return true;
      case "probe":
        // Only the probe that is out counts; older ones were about another place.
        if (this.#next - 1 !== rejected) return false;
        this.#next = Math.max(Math.min(rejected, hint + 1), this.#match + 1);
        this.probeSent = false;
        return true;
      case "snapshot":
        // It has got the snapshot, yet we need to look for it elsewhere.
        if (hint < this.#pendingSnapshot) return false;
        this.becomeProbe();
        return true;
    }
  }
}
