/** What must hold at every step, by number and short name. */
import { Violation } from "../observation.ts";

export const ITEMS = {
  electionSafety: "1 election safety: at most one leader per term",
  leaderAppendsOnly: "2 a leader never overwrites or deletes its own entries",
  logMatching: "3 log matching",
  leaderCompleteness: "4 leader completeness",
  stateMachineSafety: "5 state machine safety: one command per index",
  monotonic: "6 term, commit and applied index never fall",
  indexOrder: "7 applied <= commit <= last, and no gap behind the snapshot",
  oneVote: "8 at most one vote per term",
  durablePromise: "9 no promise leaves before it is durable",
  durableCommit: "10 a quorum holds durably what is committed",
  ownTermCommit: "11 only entries of the own term are committed by counting",
  progress: "12 match grows, stays below next, and is durable there",
  windows: "13 windows, messages and uncommitted bytes stay within their limits",
  oneChange: "14 one change of members at a time, with overlapping voters",
  voterLeads: "15 only voters win elections",
  readIndex: "16 a read index covers what was committed before the read began",
  lease: "17 no newer leader while a lease read is served",
  once: "18 a write takes effect at most once, and its reply is stable",
  sameState: "19 equal states at equal indexes",
  snapshotState: "20 snapshot and tail give the state of the whole log",
  oneServer: "21 a shard is served by at most one group, others refuse",
  configSteps: "22 a group steps through configurations one by one, owing nothing",
  census: "23 no key is lost or in two places",
  sessionsMove: "24 sessions are with their shard before it is served",
  configurations: "25 configurations are contiguous, immutable, balanced",
  idle: "26 nothing grows while nobody asks",
  answered: "27 every request ends",
  electionStorm: "28 no election storm without faults",
} as const satisfies Record<string, string>;

export type Item = keyof typeof ITEMS;

/** @throws {Violation} Unless the condition holds */
export function check(holds: boolean, item: Item, message: () => string): asserts holds {
  if (!holds) throw new Violation(ITEMS[item], message());
}

/** Judges a call as a whole. @throws {Violation} Always */
export function violated(item: Item, message: string): never {
  throw new Violation(ITEMS[item], message);
}
