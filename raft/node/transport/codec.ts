/** Messages of the core <-> messages on the wire. */
import * as pb from "../../../proto/gen/raft.ts";
import { asBuffer } from "../../../runtime/buffers.ts";
import { unreachable } from "../../../runtime/invariant.ts";
import type { Message, MessageType } from "../../message.ts";
import type { ConfState, Entry, SnapshotMeta } from "../../types.ts";

const typeToWire: Readonly<Record<MessageType, pb.MessageType>> = {
  preVote: pb.MessageType.MESSAGE_TYPE_PRE_VOTE,
  preVoteResponse: pb.MessageType.MESSAGE_TYPE_PRE_VOTE_RESPONSE,
  vote: pb.MessageType.MESSAGE_TYPE_VOTE,
  voteResponse: pb.MessageType.MESSAGE_TYPE_VOTE_RESPONSE,
  append: pb.MessageType.MESSAGE_TYPE_APPEND,
  appendResponse: pb.MessageType.MESSAGE_TYPE_APPEND_RESPONSE,
  heartbeat: pb.MessageType.MESSAGE_TYPE_HEARTBEAT,
  heartbeatResponse: pb.MessageType.MESSAGE_TYPE_HEARTBEAT_RESPONSE,
  snapshot: pb.MessageType.MESSAGE_TYPE_SNAPSHOT,
  timeoutNow: pb.MessageType.MESSAGE_TYPE_TIMEOUT_NOW,
  readIndex: pb.MessageType.MESSAGE_TYPE_READ_INDEX,
  readIndexResponse: pb.MessageType.MESSAGE_TYPE_READ_INDEX_RESPONSE,
};

const typeFromWire = new Map<pb.MessageType, MessageType>(
  (Object.keys(typeToWire) as MessageType[]).map((type) => [typeToWire[type], type]),
);

const NO_ENTRIES: pb.Entry[] = [];

/** A message with every field at its default, to be filled by type. */
function blank(message: Message): pb.RaftMessage {
  return {
    type: typeToWire[message.type],
    from: message.from,
    to: message.to,
    term: message.term,
    index: 0,
    logTerm: 0,
    commit: 0,
    reject: false,
    hintIndex: 0,
    hintTerm: 0,
    context: 0,
    force: false,
    entries: NO_ENTRIES,
    snapshot: undefined,
    commitTerm: 0,
  };
}

/** The wire form of a message. Entry data is shared, not copied. */
export function encodeMessage(message: Message): pb.RaftMessage {
  const wire = blank(message);
  switch (message.type) {
    case "preVote":
    case "vote":
      wire.index = message.lastIndex;
      wire.logTerm = message.lastTerm;
      wire.force = message.force;
      wire.commit = message.commit;
      wire.commitTerm = message.commitTerm;
      return wire;
    case "preVoteResponse":
    case "voteResponse":
      wire.reject = message.reject;
      wire.commit = message.commit;
      wire.commitTerm = message.commitTerm;
      return wire;
    case "append":
      wire.index = message.prevIndex;
      wire.logTerm = message.prevTerm;
      wire.commit = message.commit;
      wire.entries = message.entries.map(encodeEntry);
      return wire;
    case "appendResponse":
      wire.index = message.index;
      wire.reject = message.reject;
      wire.hintIndex = message.hintIndex;
      wire.hintTerm = message.hintTerm;
      return wire;
    case "heartbeat":
      wire.commit = message.commit;
      wire.context = message.context;
      return wire;
    case "heartbeatResponse":
    case "readIndex":
      wire.context = message.context;
      return wire;
    case "snapshot":
      wire.snapshot = encodeSnapshotMeta(message.snapshot);
      return wire;
    case "timeoutNow":
      return wire;
    case "readIndexResponse":
      wire.context = message.context;
      wire.index = message.index;
      wire.reject = message.reject;
      return wire;
    default:
      return unreachable(message);
  }
}

/**
 * The core's form of a message.
 *
 * @throws {SyntaxError} If the message makes no sense; nothing is guessed
 */
export function decodeMessage(wire: pb.RaftMessage): Message {
  const type = typeFromWire.get(wire.type);
  if (type === undefined) throw new SyntaxError(`Cannot decode Raft message type ${wire.type}`);
  const { from, to, term } = wire;
  switch (type) {
    case "preVote":
    case "vote":
      return {
        type,
        from,
        to,
        term,
        lastIndex: wire.index,
        lastTerm: wire.logTerm,
        force: wire.force,
        commit: wire.commit,
        commitTerm: wire.commitTerm,
      };
    case "preVoteResponse":
    case "voteResponse":
      return {
        type,
        from,
        to,
        term,
        reject: wire.reject,
        commit: wire.commit,
        commitTerm: wire.commitTerm,
      };
    case "append":
      return {
        type,
        from,
        to,
        term,
        prevIndex: wire.index,
        prevTerm: wire.logTerm,
        commit: wire.commit,
        entries: decodeEntries(wire.entries, wire.index),
      };
    case "appendResponse":
      return {
        type,
        from,
        to,
        term,
        index: wire.index,
        reject: wire.reject,
        hintIndex: wire.hintIndex,
        hintTerm: wire.hintTerm,
      };
    case "heartbeat":
      return { type, from, to, term, commit: wire.commit, context: wire.context };
    case "heartbeatResponse":
    case "readIndex":
      return { type, from, to, term, context: wire.context };
    case "snapshot":
      return { type, from, to, term, snapshot: decodeSnapshotMeta(wire.snapshot) };
    case "timeoutNow":
      return { type, from, to, term };
    case "readIndexResponse":
      return {
        type,
        from,
        to,
        term,
        context: wire.context,
        index: wire.index,
        reject: wire.reject,
      };
    default:
      return unreachable(type);
  }
}

function encodeEntry(entry: Entry): pb.Entry {
  return {
    index: entry.index,
    term: entry.term,
    kind: entry.kind === "normal"
      ? pb.EntryKind.ENTRY_KIND_NORMAL
      : pb.EntryKind.ENTRY_KIND_CONF_CHANGE,
    data: asBuffer(entry.data),
  };
}

function decodeEntries(entries: readonly pb.Entry[], prevIndex: number): Entry[] {
  return entries.map((entry, i) => {
    if (entry.index !== prevIndex + 1 + i) {
      throw new SyntaxError(
        `Cannot decode append after ${prevIndex}: entry ${i} has index ${entry.index}`,
      );
    }
    return {
      index: entry.index,
      term: entry.term,
      kind: entry.kind === pb.EntryKind.ENTRY_KIND_NORMAL ? "normal" : "confChange",
      data: entry.data,
    };
  });
}

/** The wire form of a snapshot's description; also the format of the applied record on disk. */
export function encodeSnapshotMeta(meta: SnapshotMeta): pb.SnapshotMeta {
  return {
    index: meta.index,
    term: meta.term,
    id: meta.id,
    confState: {
      voters: [...meta.confState.voters],
      learners: [...meta.confState.learners],
      votersOutgoing: [...meta.confState.votersOutgoing],
      learnersNext: [...meta.confState.learnersNext],
      autoLeave: meta.confState.autoLeave,
    },
  };
}

/** @throws {SyntaxError} If the description or its members are missing */
export function decodeSnapshotMeta(wire: pb.SnapshotMeta | undefined): SnapshotMeta {
  if (wire?.confState === undefined || wire.confState.voters.length === 0) {
    throw new SyntaxError("Cannot decode snapshot description: it names no voters");
  }
  const confState: ConfState = wire.confState;
  return { index: wire.index, term: wire.term, confState, id: wire.id };
}
