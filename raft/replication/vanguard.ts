/**
 * The vanguard: the members to which a thrifty leader sends new entries at once, as
 * many as a majority takes. ("Thrifty" is what Moraru et al. call a Paxos that
 * writes to a bare quorum: "There Is More Consensus in Egalitarian Parliaments",
 * SOSP 2013.) The other members get the same entries some milliseconds later, in
 * fewer and larger messages, which costs them, the leader and the disks less.
 *
 * Who belongs to the vanguard is decided by races: one entry is sent to everybody,
 * and the members that have it on disk first get the following ones at once. While
 * a race is undecided nothing is held back from anybody.
 */
import { type Electorate, quorumIndex } from "../membership/quorum.ts";
import type { LogIndex, NodeId } from "../types.ts";

export class Vanguard {
  /** The entry that is raced for; undefined between races. */
  #raceIndex: LogIndex | undefined;
  readonly #members = new Set<NodeId>();
  /**
   * Index of the last entry at the moment when holding back began; 0 while nothing
   * is held back.
   */
  #awaited: LogIndex = 0;

  /** Whether something is held back from somebody. */
  get holdsBack(): boolean {
    return this.#awaited > 0;
  }

  /** The members that are sent entries at once; undefined during a race: everybody. */
  get members(): ReadonlySet<NodeId> | undefined {
    return this.#raceIndex === undefined ? this.#members : undefined;
  }

  /**
   * Begins a race: entries are sent to everybody until a quorum has the one at
   * `index`, which comes next.
   */
  race(index: LogIndex): void {
    this.#raceIndex = index;
  }

  /** Looks whether the race is decided, given what each voter has; this node counts as having all. */
  judge(electorate: Electorate, self: NodeId, matchOf: (id: NodeId) => LogIndex): void {
    const raceIndex = this.#raceIndex;
    if (raceIndex === undefined) return;
    const reached = quorumIndex(electorate, (id) => id === self ? Infinity : matchOf(id));
    if (reached < raceIndex) return;
    this.#raceIndex = undefined;
    this.#members.clear();
    for (const id of [...electorate.voters, ...electorate.votersOutgoing]) {
      if (id !== self && matchOf(id) >= raceIndex) this.#members.add(id);
    }
  }

  /** Notes that something is held back, while the log ends at `lastIndex`. */
  holdBack(lastIndex: LogIndex): void {
    if (this.#awaited === 0) this.#awaited = lastIndex;
  }

  /** Ends holding back. Returns the index of the last entry at the moment when it began. */
  release(): LogIndex {
    const awaited = this.#awaited;
    this.#awaited = 0;
    return awaited;
  }
}
