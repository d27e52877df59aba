/** What operators and joining nodes ask about the members of a group, and how they change them. */
import * as pb from "../../../proto/gen/raft.ts";
import { ADDRESS_CHARS_MAX, parseAddress } from "../../../rpc/address.ts";
import { KvError } from "../../../rpc/errors.ts";
import { type ServiceRoutes, unary } from "../../../rpc/service.ts";
import { isJoint, majoritySize } from "../../mod.ts";
import type { NodeId } from "../../types.ts";
import type { RaftNode } from "../raft_node.ts";
import { type Member, memberOf, type Roster, wasRemoved } from "./roster.ts";

/** Members of one group, learners included: replicas beyond nine cost more than they add. */
const MEMBERS_MAX = 9;
/**
 * Entries a learner may be behind to be made a voter: one further behind would
 * count for majorities long before it can help to reach one.
 */
const PROMOTION_LAG_MAX = 1_000;

type MemberNode = Pick<
  RaftNode,
  | "memberChanges"
  | "roster"
  | "progress"
  | "readBarrier"
  | "status"
  | "identity"
>;

export class MemberService {
  readonly #node: MemberNode;

  constructor(node: MemberNode) {
    this.#node = node;
  }

  get routes(): ServiceRoutes {
    return [
      unary(pb.MemberServiceService.list, () => this.list()),
      unary(pb.MemberServiceService.change, ({ change }) => this.change(change)),
    ];
  }

  /** @throws {KvError} NOT_LEADER, UNAVAILABLE */
  async list(): Promise<pb.ListMembersResponse> {
    await this.#node.readBarrier();
    const { identity, roster } = this.#node;
    const { id: self, lastIndex } = this.#node.status();
    return {
      clusterId: identity.clusterId,
      gid: identity.gid,
      members: roster.members.map((member) => this.#describe(member, self)),
      firstMembers: [...roster.firstMembers],
      lastIndex,
      joint: isJoint(roster.conf),
    };
  }

  #describe(member: Member, self: NodeId): pb.MemberInfo {
    const { roster } = this.#node;
    const progress = this.#node.progress().get(member.id);
    return {
      member,
      voter: isVoter(roster, member.id),
      leader: member.id === self,
      matchIndex: progress?.match ?? 0,
      active: member.id === self || (progress?.active ?? false),
    };
  }

  /**
   * Changes one member, and answers once the change is complete and a majority of
   * those who vote then know it. A change that was made already is no error, so that
   * it may be asked for again.
   *
   * @throws {KvError} NOT_LEADER, NOT_READY, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, REFUSED
   */
  async change(change: pb.ChangeMembersRequest["change"]): Promise<pb.ChangeMembersResponse> {
    // Only a leader knows how far its members are.
    await this.#node.readBarrier();
    switch (change?.$case) {
      case "add":
        return { member: await this.#add(change.value.address) };
      case "promote":
        return { member: await this.#promote(change.value.id) };
      case "remove":
        return { member: await this.#remove(change.value.id) };
      case "transfer":
        return { member: this.#transfer(change.value.id) };
      case undefined:
        throw new KvError("INVALID_ARGUMENT", "Cannot change members: the request names no change");
    }
  }

  async #add(address: string): Promise<Member> {
    checkAddress(address);
    const { roster } = this.#node;
    const present = roster.members.find((member) => member.address === address);
    if (present !== undefined && !isVoter(roster, present.id)) return present;
    if (present !== undefined) {
      const why = `Cannot add ${address}: it is the address of node ${present.id - 1}`;
      throw new KvError("ALREADY_EXISTS", why);
    }
    if (roster.members.length >= MEMBERS_MAX) {
      const why = `Cannot add ${address}: the group has ${MEMBERS_MAX} members, which is the most`;
      throw new KvError("REFUSED", why);
    }
    const id = roster.nextId;
    const after = await this.#node.memberChanges.make([{ type: "addLearner", id, address }]);
    return this.#memberIn(after, id);
  }

  async #promote(id: NodeId): Promise<Member> {
    const { roster } = this.#node;
    this.#memberIn(roster, id);
    if (!isVoter(roster, id)) {
      this.#checkCaughtUp(id);
      await this.#node.memberChanges.make([{ type: "addVoter", id }]);
    }
    return this.#memberIn(await this.#node.memberChanges.confirm(), id);
  }

  /**
   * The clerk waits for a learner that is not there yet, as one that was just
   * started, and as any learner of a leader that was just elected.
   */
  #checkCaughtUp(id: NodeId): void {
    const { match = 0, active = false } = this.#node.progress().get(id) ?? {};
    const lag = this.#node.status().lastIndex - match;
    // A learner that has confirmed nothing may hold nothing, however short the log is.
    if (active && match > 0 && lag <= PROMOTION_LAG_MAX) return;
    const why = active
      ? `it is ${lag} entries behind and catching up, at most ${PROMOTION_LAG_MAX} are allowed`
      : "nothing is heard from it; start it if it is not running";
    throw new KvError("NOT_READY", `Cannot promote node ${id - 1} yet: ${why}`);
  }

  async #remove(id: NodeId): Promise<Member> {
    const { roster } = this.#node;
    const isDone = wasRemoved(roster, id);
    const member = isDone ? { id, address: "", incarnation: "0" } : this.#memberIn(roster, id);
    if (!isDone) {
      if (isVoter(roster, id)) this.#checkQuorumWithout(id);
      if (id === this.#node.status().id) this.#handOver(id);
      await this.#node.memberChanges.make([{ type: "remove", id }]);
    }
    // Who hears of a removal may destroy the member.
    await this.#node.memberChanges.confirm();
    return member;
  }

  /** A removal that leaves too few live voters would stop the group for good. */
  #checkQuorumWithout(id: NodeId): void {
    const rest = this.#node.roster.conf.voters.filter((voter) => voter !== id);
    const { id: self } = this.#node.status();
    const progress = this.#node.progress();
    const isActive = (voter: NodeId) => voter === self || progress.get(voter)?.active === true;
    const active = rest.filter(isActive).length;
    const needed = majoritySize(rest.length);
    if (rest.length === 0) {
      throw new KvError("REFUSED", `Cannot remove node ${id - 1}: it is the only voter`);
    }
    if (active < needed) {
      throw new KvError(
        "REFUSED",
        `Cannot remove node ${id - 1}: of the ${rest.length} voters that would be left only ` +
          `${active} are up, and ${needed} are needed`,
      );
    }
  }

  /**
   * A leader does not remove itself: those who stay must know that it is done
   * when the caller hears so, even if the leader is destroyed at once.
   */
  #handOver(self: NodeId): never {
    const { conf } = this.#node.roster;
    const [heir] = [...this.#node.progress()]
      .filter(([id, { active }]) => id !== self && active && conf.voters.includes(id))
      .sort(([, a], [, b]) => b.match - a.match);
    if (heir !== undefined) this.#node.memberChanges.transferLeader(heir[0]);
    const why = `Cannot remove node ${self - 1} by itself: it hands its leadership over first`;
    throw new KvError("NOT_READY", why);
  }

  #transfer(id: NodeId): Member {
    const member = this.#memberIn(this.#node.roster, id);
    if (id !== this.#node.status().id) this.#node.memberChanges.transferLeader(id);
    return member;
  }

  #memberIn(roster: Roster, id: NodeId): Member {
    const member = memberOf(roster, id);
    if (member !== undefined) return member;
    throw new KvError("NOT_FOUND", `Cannot find node ${id - 1}: the group has no such member`);
  }
}

/**
 * An address goes into the log, and with every snapshot to every member: what is none
 * would stay there until the member is removed.
 */
function checkAddress(address: string): void {
  if (address.length > ADDRESS_CHARS_MAX) {
    const start = `${address.slice(0, 20)}...`;
    throw new KvError(
      "INVALID_ARGUMENT",
      `Cannot add ${start}: the address has ${address.length} characters, ` +
        `at most ${ADDRESS_CHARS_MAX} are allowed`,
    );
  }
  try {
    parseAddress(address);
  } catch (cause) {
    // Of SyntaxError and RangeError, whose texts begin with "Cannot use address".
    const { message } = cause as Error;
    const why = message.replace("Cannot use address", "Cannot add a member with address");
    throw new KvError("INVALID_ARGUMENT", why, { cause });
  }
}

function isVoter(roster: Roster, id: NodeId): boolean {
  return roster.conf.voters.includes(id);
}
