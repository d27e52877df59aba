/** Questions about who belongs to the group. */
import type { ConfState, NodeId } from "../types.ts";

/** Every node that takes part, voting or not, each once. */
export function members(conf: ConfState): readonly NodeId[] {
  return [...new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners])];
}

/** Whether the node's vote counts in at least one of the halves in force. */
export function isVoter(conf: ConfState, id: NodeId): boolean {
  return conf.voters.includes(id) || conf.votersOutgoing.includes(id);
}

/** Whether two majorities must agree: a change of voters is under way. */
export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/** Whether the node alone is a quorum. */
export function isSingleVoter(conf: ConfState, id: NodeId): boolean {
  return conf.votersOutgoing.length === 0 && conf.voters.length === 1 && conf.voters[0] === id;
}

/** Whether a configuration can be in force at all. */
export function isConfStateValid(conf: ConfState): boolean {
  const { voters, votersOutgoing, learners, learnersNext } = conf;
  const isId = (id: NodeId) => Number.isSafeInteger(id) && id >= 1;
  const isSet = (list: readonly NodeId[]) => new Set(list).size === list.length;
  return members(conf).every(isId) &&
    [voters, votersOutgoing, learners, learnersNext].every(isSet) &&
    learners.every((id) => !isVoter(conf, id)) &&
    // A voter on its way out still votes; it listens only once the change is complete.
    learnersNext.every((id) => votersOutgoing.includes(id)) &&
    (votersOutgoing.length > 0 || !conf.autoLeave);
}
