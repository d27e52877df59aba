/** A client that lists and changes the members of a group, be it a shard group or the controllers. */
import {
  type ChangeMembersRequest,
  type ListMembersResponse,
  type Member,
  MemberServiceService,
} from "../proto/gen/raft.ts";
import { KvError } from "../rpc/errors.ts";
import type { Dialer } from "../rpc/service.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Prng } from "../runtime/prng.ts";
import { LeaderCaller } from "./calls/leader_caller.ts";

/** Milliseconds a call may take unless it says otherwise. */
const MEMBER_TIMEOUT_MS = 30_000;

export interface MemberClerkOptions {
  /** Some servers of the group; one that works is enough. */
  readonly servers: readonly string[];
  /** Stays the caller's: it is not closed with the clerk. */
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Milliseconds one call may take, tries included. @default {30000} */
  readonly timeoutMs?: number | undefined;
}

/** A member as its group's leader sees it. Ids count from 0, as on the servers' command lines. */
export interface MemberState {
  readonly id: number;
  readonly address: string;
  readonly role: "Leader" | "Follower" | "Learner";
  /** Log entries it is behind the leader. */
  readonly lag: number;
  /** Heard from lately. */
  readonly active: boolean;
}

/**
 * Every call finds the leader by itself and tries again what may be tried
 * again: a change that was made already counts as made. All methods throw
 * {@linkcode KvError}.
 */
export class MemberClerk {
  readonly #options: MemberClerkOptions;
  readonly #caller: LeaderCaller;
  readonly #closed = new AbortController();

  /** @throws {TypeError} When no server is given */
  constructor(options: MemberClerkOptions) {
    if (options.servers.length === 0) {
      throw new TypeError("Cannot make a clerk: 'servers' is empty");
    }
    this.#options = options;
    this.#caller = new LeaderCaller(options);
  }

  async list(): Promise<MemberState[]> {
    const response = await this.#caller.call({
      ...this.#call("the list of members", "read"),
      attempt: (channel, options) => channel.unary(MemberServiceService.list, {}, options),
    });
    return response.members.map((info) => memberState(info, response.lastIndex));
  }

  /** Adds a member that listens and does not vote. It starts on an empty disk and joins by itself. */
  add(address: string): Promise<{ id: number; address: string }> {
    return this.#change("adding a member", { $case: "add", value: { address } });
  }

  /** Gives a member that has caught up a vote. */
  promote(id: number): Promise<{ id: number; address: string }> {
    return this.#change("promoting a member", { $case: "promote", value: { id: id + 1 } });
  }

  /**
   * Takes a member out for good. A leader that is to go hands over first, so
   * that the group goes on without a pause.
   */
  remove(id: number): Promise<{ id: number; address: string }> {
    return this.#change("removing a member", { $case: "remove", value: { id: id + 1 } });
  }

  /** Hands leadership to a voter; resolves once it has begun. */
  transfer(id: number): Promise<{ id: number; address: string }> {
    return this.#change("the hand-over", { $case: "transfer", value: { id: id + 1 } });
  }

  /** Gives up the calls under way; safe to call again. */
  close(): void {
    this.#closed.abort();
  }

  async #change(
    what: string,
    change: ChangeMembersRequest["change"],
  ): Promise<{ id: number; address: string }> {
    const { member } = await this.#caller.call({
      ...this.#call(what, "write"),
      attempt: (channel, options) =>
        channel.unary(MemberServiceService.change, { change }, options),
    });
    if (member === undefined) {
      throw new KvError("INTERNAL", `Cannot finish ${what}: the answer is empty`);
    }
    return fromZero(member);
  }

  #call(what: string, kind: "read" | "write") {
    const { timeoutMs = MEMBER_TIMEOUT_MS } = this.#options;
    return { what, kind, timeoutMs, signal: this.#closed.signal };
  }
}

function fromZero({ id, address }: Member): { id: number; address: string } {
  return { id: id - 1, address };
}

function memberState(
  { member, voter, leader, matchIndex, active }: ListMembersResponse["members"][number],
  lastIndex: number,
): MemberState {
  if (member === undefined) throw new KvError("INTERNAL", "Cannot read the answer: a member lacks");
  const role = leader ? "Leader" : voter ? "Follower" : "Learner";
  return { ...fromZero(member), role, lag: Math.max(0, lastIndex - matchIndex), active };
}
