/** Messages, entries and rounds as short lines of text, for logs and tests. */
import type { Message, VoteRequest, VoteResponse } from "./message.ts";
import type { Ready } from "./ready.ts";
import type { ProgressStatus, RawNodeStatus } from "./status.ts";
import type { ConfState, Entry, HardState, SnapshotMeta } from "./types.ts";

/** `3/17 "data"`: term, index and the payload, shortened. */
export function describeEntry(entry: Entry): string {
  const kind = entry.kind === "normal" ? "" : ` ${entry.kind}`;
  return `${entry.term}/${entry.index}${kind}${describeData(entry.data)}`;
}

/** A run of entries as `3/17..3/20`, each one if there are few. */
export function describeEntries(entries: readonly Entry[]): string {
  const first = entries[0];
  const last = entries[entries.length - 1];
  if (first === undefined || last === undefined) return "[]";
  if (entries.length <= LISTED_ENTRIES_MAX) return `[${entries.map(describeEntry).join(", ")}]`;
  return `[${first.term}/${first.index}..${last.term}/${last.index}]`;
}

/** More entries than this are shown as a range: a line is to be read by a person. */
const LISTED_ENTRIES_MAX = 4;

/** Payload bytes shown of an entry; the rest is counted. */
const SHOWN_BYTES_MAX = 16;

function describeData(data: Uint8Array): string {
  if (data.length === 0) return "";
  const isPrintable = data.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (!isPrintable || data.length > SHOWN_BYTES_MAX) return ` (${data.length} B)`;
  return ` "${String.fromCharCode(...data)}"`;
}

/** `1->2 append term 3 after 3/17 commit 15 [3/18 "x"]` and the like. */
export function describeMessage(message: Message): string {
  const head = `${message.from}->${message.to} ${message.type} term ${message.term}`;
  const details = describeDetails(message);
  return details === "" ? head : `${head} ${details}`;
}

function describeDetails(message: Message): string {
  switch (message.type) {
    case "preVote":
    case "vote":
      return `log ${message.lastTerm}/${message.lastIndex}${message.force ? " force" : ""}` +
        describeNews(message);
    case "preVoteResponse":
    case "voteResponse":
      return (message.reject ? "refused" : "granted") + describeNews(message);
    case "append":
      return `after ${message.prevTerm}/${message.prevIndex} commit ${message.commit} ` +
        describeEntries(message.entries);
    case "appendResponse":
      if (!message.reject) return `accepted ${message.index}`;
      return `refused ${message.index} hint ${message.hintTerm}/${message.hintIndex}`;
    case "heartbeat":
      return `commit ${message.commit}${describeContext(message.context)}`;
    case "heartbeatResponse":
      return describeContext(message.context).trim();
    case "snapshot":
      return describeSnapshot(message.snapshot);
    case "readIndex":
      return `context ${message.context}`;
    case "readIndexResponse":
      if (message.reject) return `context ${message.context} refused`;
      return `context ${message.context} index ${message.index}`;
    case "timeoutNow":
      return "";
  }
}

function describeNews({ commit, commitTerm }: VoteRequest | VoteResponse): string {
  return commit === 0 ? "" : ` commit ${commitTerm}/${commit}`;
}

function describeContext(context: number): string {
  return context === 0 ? "" : ` context ${context}`;
}

export function describeSnapshot(snapshot: SnapshotMeta): string {
  return `${snapshot.term}/${snapshot.index} ${describeConfState(snapshot.confState)}`;
}

/** `voters 1,2,3`, with the outgoing half and the learners if there are any. */
export function describeConfState(conf: ConfState): string {
  const parts = [`voters ${conf.voters.join()}`];
  if (conf.votersOutgoing.length > 0) parts.push(`outgoing ${conf.votersOutgoing.join()}`);
  if (conf.learners.length > 0) parts.push(`learners ${conf.learners.join()}`);
  if (conf.learnersNext.length > 0) parts.push(`learners next ${conf.learnersNext.join()}`);
  if (conf.autoLeave) parts.push("leaving by itself");
  return parts.join(" ");
}

export function describeHardState(hardState: HardState): string {
  return `term ${hardState.term} vote ${hardState.vote} commit ${hardState.commit}`;
}

/** A line about the node, and one for each member a leader knows. */
export function describeStatus(status: RawNodeStatus): string {
  const { id, role, term, leader, firstIndex, lastIndex, persistedIndex, commit, applied } = status;
  const log = firstIndex > lastIndex ? `empty after ${lastIndex}` : `${firstIndex}..${lastIndex}`;
  const lines = [
    `${id} is a ${role} of term ${term}, leader ${leader}, log ${log} ` +
    `persisted ${persistedIndex} commit ${commit} applied ${applied}`,
  ];
  for (const [member, progress] of status.progress) {
    const silent = member !== id && !progress.recentActive ? ", silent" : "";
    lines.push(`  ${member} ${describeProgress(progress)}${silent}`);
  }
  return lines.join("\n");
}

/** `replicate match 5 next 8, 3 in flight (60 B), paused`: what a leader knows of a member. */
export function describeProgress(progress: ProgressStatus): string {
  const { state, match, next, pendingSnapshot, inflightMessages, inflightBytes } = progress;
  const parts = [
    `${state}${pendingSnapshot > 0 ? ` ${pendingSnapshot}` : ""} match ${match} next ${next}`,
  ];
  if (inflightMessages > 0) parts.push(`${inflightMessages} in flight (${inflightBytes} B)`);
  if (progress.paused) parts.push("paused");
  return parts.join(", ");
}

/** One line for each part of the round that is not empty. */
export function describeReady(ready: Ready): string {
  const lines: string[] = [];
  if (ready.softState !== undefined) {
    const { role, leader, term } = ready.softState;
    lines.push(`${role} of term ${term}, leader ${leader}`);
  }
  if (ready.hardState !== undefined) lines.push(`save ${describeHardState(ready.hardState)}`);
  if (ready.snapshot !== undefined) lines.push(`restore ${describeSnapshot(ready.snapshot)}`);
  if (ready.entries.length > 0) lines.push(`save ${describeEntries(ready.entries)}`);
  for (const message of ready.messages) lines.push(`send ${describeMessage(message)}`);
  for (const message of ready.messagesAfterPersist) lines.push(`then ${describeMessage(message)}`);
  if (ready.committedEntries.length > 0) {
    lines.push(`apply ${describeEntries(ready.committedEntries)}`);
  }
  for (const read of ready.readStates) lines.push(`read ${read.context} at ${read.index}`);
  for (const context of ready.droppedReads) lines.push(`read ${context} dropped`);
  return lines.join("\n");
}
