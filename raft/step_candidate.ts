/** What a candidate or pre-candidate does with messages of its term (Raft paper 5.2). */
import { invariant } from "../runtime/invariant.ts";
import { recordVote } from "./election/election.ts";
import type { Message } from "./message.ts";
import { becomeFollower, type RaftCore, refuseRead } from "./raft_core.ts";
import { stepFollower } from "./step_follower.ts";

export function stepCandidate(core: RaftCore, message: Message): void {
  invariant(
    core.role === "candidate" || core.role === "preCandidate",
    () => `Stepping as candidate, not as ${core.role}`,
  );
  switch (message.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      // Somebody else has won this term.
      becomeFollower(core, core.term, message.from);
      stepFollower(core, message);
      break;
    case "preVoteResponse": {
      if (core.role !== "preCandidate") break;
      // A grant names the term we asked about; another is from an earlier try.
      const isAnswer = message.reject || message.term === core.term + 1;
      if (isAnswer) recordVote(core, message.from, !message.reject);
      break;
    }
    case "voteResponse":
      // Nobody was asked before our own vote was on disk.
      if (core.role !== "candidate" || core.durableTerm !== core.term) break;
      recordVote(core, message.from, !message.reject);
      break;
    case "readIndex":
      refuseRead(core, message.from, message.context);
      break;
    case "preVote":
    case "vote":
    case "timeoutNow":
    case "appendResponse":
    case "heartbeatResponse":
    case "readIndexResponse":
      // Campaigning already, or answers to what this node asked in another role.
      break;
  }
}
