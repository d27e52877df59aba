/**
 * Who belongs to the group and where they are: the core's configuration with
 * an address for every id. Part of the replicated state: it changes with
 * entries of the log and travels in snapshots.
 */
import { changeConf, type ConfChange } from "../../membership/conf_change.ts";
import { members as idsOf } from "../../membership/membership.ts";
import type { ConfState, NodeId } from "../../types.ts";

/** Incarnation of a node that nobody has met. */
export const UNKNOWN_INCARNATION = "0";

export interface Member {
  readonly id: NodeId;
  readonly address: string;
  /** An unsigned 64-bit number in decimal digits; {@linkcode UNKNOWN_INCARNATION} if it is not known. */
  readonly incarnation: string;
}

export interface Roster {
  readonly conf: ConfState;
  /** One for every id in `conf`, by id. */
  readonly members: readonly Member[];
  /** Ids are never used again: every id below this one was given. */
  readonly nextId: NodeId;
  /** The members before the first entry of the log. */
  readonly firstMembers: readonly Member[];
}

/** A change of members with all that the others must know of those who stay. */
export interface RosterChange extends ConfChange {
  /** Every member after the change, as the leader knows them. */
  readonly members: readonly Member[];
}

/** The roster a group begins with: all vote. */
export function firstRoster(addresses: ReadonlyMap<NodeId, string>): Roster {
  const members = Array.from(addresses, ([id, address]): Member => ({
    id,
    address,
    incarnation: UNKNOWN_INCARNATION,
  }));
  const voters = members.map(({ id }) => id);
  return {
    conf: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
    members,
    nextId: Math.max(0, ...voters) + 1,
    firstMembers: members,
  };
}

/** @throws {ConfChangeError} If the change is not possible */
export function changeRoster(roster: Roster, change: RosterChange): Roster {
  const conf = changeConf(roster.conf, change);
  const byId = new Map<NodeId, Member>();
  for (const member of [...roster.members, ...change.members]) byId.set(member.id, member);
  const members = [...byId.values()]
    .filter(({ id }) => idsOf(conf).includes(id))
    .sort((a, b) => a.id - b.id);
  const nextId = Math.max(roster.nextId, ...members.map(({ id }) => id + 1));
  return { ...roster, conf, members, nextId };
}

export function memberOf(roster: Roster, id: NodeId): Member | undefined {
  return roster.members.find((member) => member.id === id);
}

/** Whether the id was given to a member that is gone for good. */
export function wasRemoved(roster: Roster, id: NodeId): boolean {
  return id < roster.nextId && memberOf(roster, id) === undefined;
}
