/**
 * Majorities, of one set of voters or of two at once (joint consensus, Raft
 * paper section 6): while an outgoing set is in force both must agree.
 */
import type { NodeId } from "../types.ts";

/** Whose agreement counts. An empty outgoing half always agrees. */
export interface Electorate {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
}

export type VoteResult = "won" | "lost" | "pending";

/** The least number of members that is more than half of `size`. */
export function majoritySize(size: number): number {
  return Math.floor(size / 2) + 1;
}

/**
 * The highest value that a quorum has reached, given what each voter has
 * reached: an index that is replicated, or a heartbeat that is answered.
 *
 * @returns Infinity for an electorate without voters, which has nobody to wait for
 */
export function quorumIndex(electorate: Electorate, reached: (id: NodeId) => number): number {
  return Math.min(
    majorityIndex(electorate.voters, reached),
    majorityIndex(electorate.votersOutgoing, reached),
  );
}

function majorityIndex(voters: readonly NodeId[], reached: (id: NodeId) => number): number {
  if (voters.length === 0) return Infinity;
  // Insertion sort: groups are small and this runs for each acknowledgement.
  const ascending: number[] = [];
  for (const id of voters) {
    const value = reached(id);
    let slot = ascending.length;
    for (; slot > 0 && (ascending[slot - 1] ?? 0) > value; slot--) {
      ascending[slot] = ascending[slot - 1] ?? 0;
    }
    ascending[slot] = value;
  }
  // From this position to the end there are exactly majoritySize values.
  return ascending[voters.length - majoritySize(voters.length)] ?? 0;
}

/**
 * Outcome of an election.
 *
 * @param vote What a voter answered; undefined if nothing yet
 */
export function voteResult(
  electorate: Electorate,
  vote: (id: NodeId) => boolean | undefined,
): VoteResult {
  const incoming = majorityVote(electorate.voters, vote);
  const outgoing = majorityVote(electorate.votersOutgoing, vote);
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return incoming === "won" && outgoing === "won" ? "won" : "pending";
}

function majorityVote(
  voters: readonly NodeId[],
  vote: (id: NodeId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const answer = vote(id);
    if (answer === undefined) missing++;
    else if (answer) granted++;
  }
  const needed = majoritySize(voters.length);
  if (granted >= needed) return "won";
  return granted + missing >= needed ? "pending" : "lost";
}
