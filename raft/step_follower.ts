/** What a follower does with messages of its term. */
import { invariant } from "../runtime/invariant.ts";
import { handleTimeoutNow } from "./election/election.ts";
import { LostEntriesError } from "./log/lost_entries_error.ts";
import type {
  AppendRequest,
  Heartbeat,
  InstallSnapshot,
  Message,
  ReadIndexResponse,
} from "./message.ts";
import { type RaftCore, refuseRead, send, setLeader } from "./raft_core.ts";
import type { LogIndex, NodeId, SnapshotMeta } from "./types.ts";

export function stepFollower(core: RaftCore, message: Message): void {
  invariant(core.role === "follower", () => `Stepping as follower, not as ${core.role}`);
  switch (message.type) {
    case "append":
      followLeader(core, message.from);
      handleAppend(core, message);
      break;
    case "heartbeat":
      followLeader(core, message.from);
      handleHeartbeat(core, message);
      break;
    case "snapshot":
      followLeader(core, message.from);
      handleSnapshot(core, message);
      break;
    case "timeoutNow":
      handleTimeoutNow(core, message);
      break;
    case "readIndex":
      refuseRead(core, message.from, message.context);
      break;
    case "readIndexResponse":
      handleReadIndexResponse(core, message);
      break;
    case "preVote":
    case "vote":
    case "preVoteResponse":
    case "voteResponse":
    case "appendResponse":
    case "heartbeatResponse":
      // Answers to what this node asked in another role; requests for votes are handled for all roles.
      break;
  }
}

function followLeader(core: RaftCore, leader: NodeId): void {
  core.electionElapsed = 0;
  core.leaderGone = false;
  setLeader(core, leader);
}

function handleAppend(core: RaftCore, message: AppendRequest): void {
  const { log } = core;
  const { prevIndex, prevTerm, entries } = message;
  if (prevIndex < log.commit) {
    // Our committed part is the leader's as well; it may be compacted here, so
    // that comparing is impossible and refusing would never end.
    acknowledge(core, message.from, log.commit);
    return;
  }
  if (log.term(prevIndex) !== prevTerm) {
    refuseAppend(core, message);
    return;
  }
  log.merge(entries);
  const last = prevIndex + entries.length;
  // Beyond this message our log may still hold entries of dead leaders.
  log.commitTo(Math.min(message.commit, last));
  acknowledge(core, message.from, last);
}

/** Everything up to `index` matches; leaves after it is on disk. */
function acknowledge(core: RaftCore, to: NodeId, index: LogIndex): void {
  const { config: { id: from }, term } = core;
  invariant(index <= core.log.lastIndex, () => `Acknowledged index ${index} is in the log`);
  send(core, {
    type: "appendResponse",
    from,
    to,
    term,
    index,
    reject: false,
    hintIndex: 0,
    hintTerm: 0,
  });
}

function refuseAppend(core: RaftCore, message: AppendRequest): void {
  const { config: { id: from }, log, term } = core;
  const { prevIndex, prevTerm } = message;
  // Above this place our terms exceed the leader's, so nothing matches there.
  const hintIndex = log.lastIndexOfTerm(prevIndex, prevTerm);
  send(core, {
    type: "appendResponse",
    from,
    to: message.from,
    term,
    index: prevIndex,
    reject: true,
    hintIndex,
    hintTerm: log.term(hintIndex) ?? 0,
  });
}

function handleHeartbeat(core: RaftCore, message: Heartbeat): void {
  const { config, log, term } = core;
  const from = config.id;
  // The leader saw us acknowledge that far, in this very term.
  if (message.commit > log.lastIndex) {
    throw new LostEntriesError(message.commit, log.lastIndex, term);
  }
  log.commitTo(message.commit);
  if (config.leaseMs > 0) core.embargoTicks = config.electionTicks;
  send(core, {
    type: "heartbeatResponse",
    from,
    to: message.from,
    term,
    context: message.context,
  });
}

/** Whether the snapshot leads past everything this log can vouch for. */
export function needsSnapshot(core: RaftCore, snapshot: SnapshotMeta): boolean {
  return snapshot.index > core.log.commit && core.log.term(snapshot.index) !== snapshot.term;
}

function handleSnapshot(core: RaftCore, message: InstallSnapshot): void {
  const { log } = core;
  const { snapshot } = message;
  if (needsSnapshot(core, snapshot)) {
    // No entry with this index and term: whatever follows here cannot be
    // relied on, so the whole log goes (figure 13, rule 7).
    log.restore({ index: snapshot.index, term: snapshot.term });
    core.conf = snapshot.confState;
    core.restoredSnapshot = snapshot;
  } else {
    // With a matching entry the log holds the same prefix, and what follows stays (rule 6).
    log.commitTo(snapshot.index);
  }
  acknowledge(core, message.from, log.commit);
}

function handleReadIndexResponse(core: RaftCore, message: ReadIndexResponse): void {
  const context = core.forwardedReads.take(message.context);
  if (context === undefined) return;
  if (message.reject) core.droppedReads.push(context);
  else core.readStates.push({ context, index: message.index });
}
