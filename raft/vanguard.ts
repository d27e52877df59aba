/**
 * Whom a leader sends entries at once, if it is thrifty: as many members as a
 * majority takes (Moraru et al., "There Is More Consensus in Egalitarian
 * Parliaments", SOSP 2013, call Paxos so that writes to a bare quorum). The
 * others get the same entries a little later and in fewer, larger messages,
 * which costs them, the leader and the disks less.
 *
 * Who belongs to the vanguard is found by races: one entry goes to everybody,
 * and whoever has it on disk first is sent the next ones at once. While a race
 * is undecided nothing is held back from anybody.
 */
import { type Electorate, quorumIndex } from "./quorum.ts";
import type { LogIndex, NodeId } from "./types.ts";

export class Vanguard {
  /** The entry that is raced for; undefined between races. */
  #raceIndex: LogIndex | undefined;
  readonly #members = new Set<NodeId>();
  /** The last entry when holding back began; 0 while nothing is held back. */
  #awaited: LogIndex = 0;

  /** Whether something is held back from somebody. */
  get holdsBack(): boolean {
    return this.#awaited > 0;
  }

  /** The members that are sent entries at once; undefined during a race: everybody. */
  get members(): ReadonlySet<NodeId> | undefined {
    return this.#raceIndex === undefined ? this.#members : undefined;
  }

  /** Has entries sent to everybody until a quorum has `index`, which is sent from now on. */
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

  /** Nothing is held back any more. Returns what was the last entry when that began. */
  release(): LogIndex {
    const awaited = this.#awaited;
    this.#awaited = 0;
    return awaited;
  }
}
