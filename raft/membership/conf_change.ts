/**
 * Changes of who belongs to the group, as pure functions from one
 * configuration to the next. A change of voters goes through a joint
 * configuration in which the old and the new majority must both agree (Raft
 * paper section 6); learners come and go in one step, as no quorum depends on
 * them.
 */
import type { ConfState, NodeId } from "../types.ts";
import { isConfStateValid, isJoint } from "./membership.ts";

export interface MemberChange {
  /** `addLearner` on a voter takes its vote away. */
  readonly type: "addVoter" | "addLearner" | "remove";
  readonly id: NodeId;
}

/** Everything that changes together; nothing at all ends a joint configuration. */
export interface ConfChange {
  readonly changes: readonly MemberChange[];
}

/** What ends a joint configuration. */
export const LEAVE_JOINT: ConfChange = Object.freeze({ changes: Object.freeze([]) });

/** A change makes no sense in the configuration it is meant for. */
export class ConfChangeError extends Error {
  override readonly name = "ConfChangeError";
}

/**
 * The configuration after a change.
 *
 * @throws {ConfChangeError} If the change is not possible in `conf`
 */
export function changeConf(conf: ConfState, { changes }: ConfChange): ConfState {
  if (changes.length === 0) return leaveJoint(conf);
  if (isJoint(conf)) {
    throw new ConfChangeError("Cannot change the members: the change before it is not complete");
  }
  if (new Set(changes.map(({ id }) => id)).size !== changes.length) {
    throw new ConfChangeError("Cannot change the members: one of them is named twice");
  }
  const voters = new Set(conf.voters);
  const learners = new Set(conf.learners);
  for (const { type, id } of changes) {
    voters.delete(id);
    learners.delete(id);
    if (type === "addVoter") voters.add(id);
    if (type === "addLearner") learners.add(id);
  }
  return checked(conf, voters, learners);
}

function checked(
  conf: ConfState,
  voters: ReadonlySet<NodeId>,
  learners: ReadonlySet<NodeId>,
): ConfState {
  if (voters.size === 0) {
    throw new ConfChangeError("Cannot change the members: no voter would be left");
  }
  const hasSameVoters = voters.size === conf.voters.length &&
    conf.voters.every((id) => voters.has(id));
  const outgoing = hasSameVoters ? [] : conf.voters;
  const next: ConfState = {
    voters: ascending(voters),
    // A voter on its way out still votes; it listens only once the change is complete.
    learners: ascending([...learners].filter((id) => !outgoing.includes(id))),
    votersOutgoing: ascending(outgoing),
    learnersNext: ascending([...learners].filter((id) => outgoing.includes(id))),
    autoLeave: !hasSameVoters,
  };
  if (!isConfStateValid(next)) {
    throw new ConfChangeError(`Cannot change the members: an id of ${[...voters]} is not possible`);
  }
  return next;
}

function leaveJoint(conf: ConfState): ConfState {
  if (!isJoint(conf)) {
    throw new ConfChangeError("Cannot complete a change of members: none is under way");
  }
  return {
    voters: conf.voters,
    learners: ascending([...conf.learners, ...conf.learnersNext]),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
}

function ascending(ids: Iterable<NodeId>): NodeId[] {
  return [...ids].sort((a, b) => a - b);
}
