/** The gate for messages from outside: what no correct node sends never reaches the core. */
import { isConfStateValid } from "./membership/membership.ts";
import type { AppendRequest, Message } from "./message.ts";
import type { Term } from "./types.ts";

/**
 * How far the term of a message may be ahead of this node's: an election every
 * second for two years. Terms are stored for good and end at 2^53 - 1, after which
 * nobody could be elected any more; no single message may take a group there.
 */
const TERMS_MISSED_MAX = 2 ** 26;

/**
 * Whether a message can have come from a correct node. Behind this check the
 * core relies on it: a message that fails is dropped, as the network might have
 * done.
 *
 * @param term The node's own
 */
export function isWellFormed(message: Message, term: Term): boolean {
  if (!isCount(message.from) || message.from === 0 || !isCount(message.term)) return false;
  if (message.term > term + TERMS_MISSED_MAX) return false;
  switch (message.type) {
    case "append":
      return isAppendWellFormed(message);
    case "preVote":
    case "vote":
      return isCount(message.lastIndex) && message.lastTerm < message.term &&
        isCount(message.commit) && isCount(message.commitTerm);
    case "appendResponse":
      return isCount(message.index) && isCount(message.hintIndex);
    case "heartbeat":
      return isCount(message.commit);
    case "snapshot": {
      const { index, term, confState } = message.snapshot;
      return index >= 1 && term >= 1 && term <= message.term && isConfStateValid(confState);
    }
    case "preVoteResponse":
    case "voteResponse":
      return isCount(message.commit) && isCount(message.commitTerm);
    case "heartbeatResponse":
    case "timeoutNow":
    case "readIndex":
    case "readIndexResponse":
      return true;
  }
}

function isAppendWellFormed(message: AppendRequest): boolean {
  let { prevIndex: index, prevTerm: term } = message;
  if (!isCount(index) || !isCount(term) || !isCount(message.commit)) return false;
  for (const entry of message.entries) {
    if (entry.index !== index + 1 || entry.term < term) return false;
    index = entry.index;
    term = entry.term;
  }
  return term <= message.term && Number.isSafeInteger(index);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
