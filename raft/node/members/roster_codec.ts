/** Rosters and their changes <-> what is on disk, in snapshots and in log entries. */
import * as pb from "../../../proto/gen/raft.ts";
import type { Write } from "../../../storage/engine.ts";
import { appliedKey } from "../../../storage/key_space.ts";
import { LEAVE_JOINT, type MemberChange } from "../../membership/conf_change.ts";
import type { LogIndex, Term } from "../../types.ts";
import { decodeSnapshotMeta, encodeSnapshotMeta } from "../transport/codec.ts";
import type { Roster, RosterChange } from "./roster.ts";

/** What a generation's data stands for. */
export interface AppliedState {
  readonly index: LogIndex;
  readonly term: Term;
  readonly roster: Roster;
}

/** The record that says what a generation's data stands for. */
export function appliedWrite(generation: number, state: AppliedState): Write {
  return { type: "put", key: appliedKey(generation), value: encodeApplied(state) };
}

function encodeApplied({ index, term, roster }: AppliedState): Buffer {
  const { conf: confState, members, nextId, firstMembers } = roster;
  const meta = encodeSnapshotMeta({ index, term, confState, id: 0 });
  const bytes = pb.AppliedRecord.encode({
    index,
    term,
    confState: meta.confState,
    members: [...members],
    nextId,
    firstMembers: [...firstMembers],
  });
  return Buffer.from(bytes.finish());
}

/** @throws {SyntaxError} If the record names no members */
export function decodeApplied(bytes: Uint8Array): AppliedState {
  const record = pb.AppliedRecord.decode(bytes);
  const { index, term, confState: conf } = decodeSnapshotMeta({ ...record, id: 0 });
  const { members, nextId, firstMembers } = record;
  return { index, term, roster: { conf, members, nextId, firstMembers } };
}

export function encodeChange({ changes, members }: RosterChange): Buffer {
  const bytes = pb.ConfChangePayload.encode({
    changes: changes.map(({ type, id }) => ({ type: typeToWire[type], id })),
    members: [...members],
  });
  return Buffer.from(bytes.finish());
}

/**
 * @param data Of an entry of the kind `confChange`; empty for the end of a joint configuration
 * @throws {SyntaxError} If the type of a change is not known
 */
export function decodeChange(data: Uint8Array): RosterChange {
  if (data.length === 0) return { ...LEAVE_JOINT, members: [] };
  const { changes, members } = pb.ConfChangePayload.decode(data);
  return { changes: changes.map(({ type, id }) => ({ type: typeFromWire(type), id })), members };
}

const typeToWire: Readonly<Record<MemberChange["type"], pb.MemberChangeType>> = {
  addVoter: pb.MemberChangeType.MEMBER_CHANGE_TYPE_ADD_VOTER,
  addLearner: pb.MemberChangeType.MEMBER_CHANGE_TYPE_ADD_LEARNER,
  remove: pb.MemberChangeType.MEMBER_CHANGE_TYPE_REMOVE,
};

function typeFromWire(type: pb.MemberChangeType): MemberChange["type"] {
  switch (type) {
    case pb.MemberChangeType.MEMBER_CHANGE_TYPE_ADD_VOTER:
      return "addVoter";
    case pb.MemberChangeType.MEMBER_CHANGE_TYPE_ADD_LEARNER:
      return "addLearner";
    case pb.MemberChangeType.MEMBER_CHANGE_TYPE_REMOVE:
      return "remove";
    default:
      throw new SyntaxError(`Cannot decode a change of members of type ${type}`);
  }
}
