/** The leader's side of replication: what to send to whom, and what is committed (Raft paper 5.3, 5.4.2). */
import { invariant } from "../../runtime/invariant.ts";
import { quorumIndex } from "../membership/quorum.ts";
import { type RaftCore, send } from "../raft_core.ts";
import type { Entry, LogIndex, NodeId } from "../types.ts";
import type { Progress } from "./progress.ts";

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);
/**
 * Entries that may be held back from a member, and their payload bytes. More are
 * worth a message of their own, and likely to be what many wait for: the fewer
 * members are asked, the longer one of them that is busy otherwise holds all up.
 */
const HELD_ENTRIES_MAX = 64;
const HELD_BYTES_MAX = 4 << 10;

/**
 * Sends every member what it may get now. Called once per round rather than
 * per event, so that proposals and commits that came together travel together.
 */
export function replicate(core: RaftCore): void {
  if (core.config.thrifty) keepVanguard(core);
  for (const [id, progress] of core.progress) {
    if (id !== core.config.id) replicateTo(core, id, progress);
  }
}

function replicateTo(core: RaftCore, to: NodeId, progress: Progress): void {
  switch (progress.state) {
    case "probe":
      if (!progress.probeSent) sendAppend(core, to, progress);
      break;
    case "replicate":
      pipelineTo(core, to, progress);
      break;
    case "snapshot":
      // The answer that says the snapshot has arrived may be lost: ask again.
      if (progress.pingDue) pingSnapshot(core, to, progress);
      break;
  }
}

/** Begins a race if one of the vanguard needs help itself. */
function keepVanguard(core: RaftCore): void {
  for (const id of core.vanguard.members ?? []) {
    if (core.progress.get(id)?.state !== "replicate") beginRace(core);
  }
}

/** Has the next entry decide who is sent entries at once. */
export function beginRace({ vanguard, log }: RaftCore): void {
  vanguard.race(log.lastIndex + 1);
}

function pipelineTo(core: RaftCore, to: NodeId, progress: Progress): void {
  const { config: { thrifty }, log, vanguard } = core;
  const isDue = !thrifty || progress.isDue || progress.pingDue;
  progress.isDue = false;
  if (isDue || !mayWait(core, to, progress)) {
    while (progress.next <= log.lastIndex && !progress.inflights.full) {
      if (!sendAppend(core, to, progress)) return;
    }
  } else if (progress.next <= log.lastIndex) {
    vanguard.holdBack(log.lastIndex);
  }
  const hasNews = Math.min(log.commit, progress.next - 1) > progress.sentCommit;
  // An empty message passes a full window: if what filled it is lost, the refusal tells us.
  if (progress.pingDue || (hasNews && isDue)) sendEmptyAppend(core, to, progress);
  else if (hasNews) vanguard.holdBack(log.lastIndex);
}

/** Whether the entries a member lacks may be held back from it for a while. */
function mayWait({ vanguard, transferee, log }: RaftCore, to: NodeId, { next }: Progress): boolean {
  if (vanguard.members === undefined || vanguard.members.has(to) || to === transferee) return false;
  const { firstIndex, lastIndex } = log;
  if (next < firstIndex || lastIndex - next >= HELD_ENTRIES_MAX) return false;
  return log.bytesBetween(next, lastIndex) < HELD_BYTES_MAX;
}

/** Holds nothing back any more from anybody, and asks everybody for help if the vanguard is late. */
export function sendHeld(core: RaftCore): void {
  const { progress, vanguard, log } = core;
  if (!vanguard.holdsBack) return;
  for (const member of progress.values()) member.isDue = true;
  if (log.commit < vanguard.release()) beginRace(core);
}

/**
 * Sends the entries from `next` on, or names a snapshot if they are gone.
 *
 * @returns Whether an append has left, so that more may follow
 */
function sendAppend(core: RaftCore, to: NodeId, progress: Progress): boolean {
  const { config: { id: from, appendBytesMax }, log, term } = core;
  const prevIndex = progress.next - 1;
  const prevTerm = log.term(prevIndex);
  if (prevTerm === undefined) {
    sendSnapshot(core, to, progress);
    return false;
  }
  const entries = log.entriesFrom(progress.next, appendBytesMax);
  const { commit } = log;
  send(core, { type: "append", from, to, term, prevIndex, prevTerm, entries, commit });
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  progress.sent(entries.length, bytes, commit);
  return true;
}

function sendEmptyAppend(core: RaftCore, to: NodeId, progress: Progress): void {
  const { config: { id: from }, log: { commit }, term } = core;
  const prevIndex = progress.next - 1;
  const prevTerm = core.log.term(prevIndex);
  if (prevTerm === undefined) {
    sendSnapshot(core, to, progress);
    return;
  }
  const entries = NO_ENTRIES;
  send(core, { type: "append", from, to, term, prevIndex, prevTerm, entries, commit });
  progress.sent(0, 0, commit);
}

function sendSnapshot(core: RaftCore, to: NodeId, progress: Progress): void {
  const { config: { id: from }, log, term, conf: confState } = core;
  // A member that is silent would only leave an open view behind; wait until it answers.
  if (!progress.recentActive) return;
  const index = log.applied;
  const snapshotTerm = log.term(index);
  invariant(snapshotTerm !== undefined, () => `Term of applied index ${index} is known`);
  const snapshot = { index, term: snapshotTerm, confState, id: 0 };
  send(core, { type: "snapshot", from, to, term, snapshot });
  progress.becomeSnapshot(index);
}

function pingSnapshot(core: RaftCore, to: NodeId, progress: Progress): void {
  const { config: { id: from }, log, term } = core;
  const prevIndex = Math.max(progress.pendingSnapshot, log.start.index);
  const prevTerm = log.term(prevIndex);
  invariant(prevTerm !== undefined, () => `Term of snapshot index ${prevIndex} is known`);
  const { commit } = log;
  send(core, { type: "append", from, to, term, prevIndex, prevTerm, entries: NO_ENTRIES, commit });
  progress.sent(0, 0, commit);
}

/**
 * For each member that is reachable and is being brought up to date by a snapshot,
 * the index after which it needs entries. One that has everything up to `usual`,
 * where the log is cut anyway, is up to date.
 */
export function catchUpIndexes({ progress }: RaftCore, usual: LogIndex): LogIndex[] {
  const indexes: LogIndex[] = [];
  for (const member of progress.values()) {
    member.endCatchUp(usual);
    if (member.catchingUp && member.active) indexes.push(member.reach);
  }
  return indexes;
}

/** Says to everybody that we lead, with the newest read round that needs confirming. */
export function sendHeartbeats(core: RaftCore): void {
  const { config: { id: from }, log, term } = core;
  const context = heartbeatRound(core);
  core.heartbeatElapsed = 0;
  for (const [to, progress] of core.progress) {
    if (to === from) continue;
    // Never past what is known to match: the rest of its log may not be ours.
    const commit = Math.min(progress.match, log.commit);
    send(core, { type: "heartbeat", from, to, term, commit, context });
  }
}

/** The round whose answers confirm something; with leases every round does. */
function heartbeatRound({ leaderReads, lease, nowMs, config: { leaseMs } }: RaftCore): number {
  if (leaseMs === 0) return leaderReads.unconfirmedSequence;
  const round = leaderReads.beginEmptyRound();
  lease.sent(round, nowMs);
  return round;
}

/** Commits what a quorum has, if it is of this term: older entries only behind one (section 5.4.2). */
export function advanceCommit(core: RaftCore): void {
  const { log } = core;
  const index = quorumIndex(core.conf, (id) => core.progress.get(id)?.match ?? 0);
  if (index <= log.commit || log.term(index) !== core.term) return;
  core.uncommittedBytes -= log.bytesBetween(log.commit + 1, index);
  log.commitTo(index);
  invariant(
    core.uncommittedBytes >= 0,
    () => `Uncommitted bytes ${core.uncommittedBytes} are not negative`,
  );
}

/** Whether an entry of this leader's term is committed, so that its commit index is up to date. */
export function hasCommittedInTerm(core: RaftCore): boolean {
  return core.log.term(core.log.commit) === core.term;
}
