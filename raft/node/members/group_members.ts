/** Who belongs to the group, as this node has applied it, and how that changes. */
import type { KvError } from "../../../rpc/errors.ts";
import type { Logger } from "../../../runtime/logger.ts";
import { describeConfState } from "../../describe.ts";
import type { MemberChange } from "../../membership/conf_change.ts";
import { isJoint } from "../../membership/membership.ts";
import type { RawNode } from "../../raw_node.ts";
import type { ConfState, LogIndex, NodeId, Term } from "../../types.ts";
import type { RpcTransport } from "../transport/rpc_transport.ts";
import type { PeerRegistry } from "./peer_registry.ts";
import { encodeChange } from "./roster_codec.ts";
import { memberOf, type Roster, type RosterChange } from "./roster.ts";

/** One step of a change; `address` says where a member is that was none before. */
export interface AddressedChange extends MemberChange {
  readonly address?: string;
}

export interface GroupMembersOptions {
  readonly self: NodeId;
  readonly incarnation: string;
  readonly roster: Roster;
  readonly core: RawNode;
  readonly registry: PeerRegistry;
  readonly transport: RpcTransport;
  readonly logger: Logger;
  /** The engine failed. */
  readonly onFatal: (error: unknown) => void;
}

/** Somebody who waits for a change to be complete. */
interface Waiter {
  resolve(roster: Roster): void;
  reject(error: KvError): void;
}

export class GroupMembers {
  readonly #options: GroupMembersOptions;
  readonly #listeners = new Set<(roster: Roster) => void>();
  readonly #waiting: Waiter[] = [];
  #roster: Roster;

  constructor(options: GroupMembersOptions) {
    this.#options = options;
    this.#roster = options.roster;
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** Calls back on every change of members. Returns a function that ends it. */
  onChange(listener: (roster: Roster) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whether a change of voters is under way, as far as this node knows. */
  get isChanging(): boolean {
    return isJoint(this.#roster.conf);
  }

  /**
   * Resolves with the roster once no change of voters is under way, as far as
   * this node knows; rejects with what {@linkcode failWaiting} is given.
   */
  settled(): Promise<Roster> {
    if (!this.isChanging) return Promise.resolve(this.#roster);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Fails those who wait: this node leads no more, or goes on no more. */
  failWaiting(error: KvError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** @throws {ProposalError} If the change may not be proposed now */
  propose(changes: readonly AddressedChange[]): { index: LogIndex; term: Term } {
    const { core } = this.#options;
    const change = this.#complete(changes);
    return core.proposeConfChange(change, encodeChange(change));
  }

  /** A change is committed and everything before it is applied. */
  onApplied(index: LogIndex, change: RosterChange, roster: Roster): void {
    this.#options.core.applyConfChange(index, change);
    this.#take(roster);
  }

  /** A snapshot has brought the members of its index. */
  onInstalled(roster: Roster): void {
    this.#take(roster);
  }

  #take(roster: Roster): void {
    const { registry, transport, self, logger, onFatal } = this.#options;
    const wasMember = memberOf(this.#roster, self) !== undefined;
    this.#roster = roster;
    transport.setRoster(roster);
    registry.learn(roster.members).catch(onFatal);
    logger.info("Changed members", { members: describeIds(roster.conf) });
    if (wasMember && memberOf(roster, self) === undefined) {
      logger.warn("This node was removed from its group: it can be stopped and its data deleted");
    }
    for (const listener of [...this.#listeners]) listener(roster);
    if (this.isChanging) return;
    for (const { resolve } of this.#waiting.splice(0)) resolve(roster);
  }

  /** Adds to a change what the others must know of the members after it. */
  #complete(changes: readonly AddressedChange[]): RosterChange {
    const { self, incarnation, registry } = this.#options;
    const newcomers = changes.flatMap(({ id, address }) =>
      address === undefined ? [] : [{ id, address, incarnation: registry.incarnationOf(id) }]
    );
    const plain = changes.map(({ type, id }): MemberChange => ({ type, id }));
    // An impossible change is refused by the core, with its reason.
    const present = [...this.#roster.members, ...newcomers];
    const members = present.map((member) => ({
      ...member,
      incarnation: member.id === self ? incarnation : registry.incarnationOf(member.id),
    }));
    return { changes: plain, members };
  }
}

/** Ids as on the command line, where they count from 0. */
function describeIds(conf: ConfState): string {
  const fromZero = (ids: readonly NodeId[]) => ids.map((id) => id - 1);
  return describeConfState({
    ...conf,
    voters: fromZero(conf.voters),
    learners: fromZero(conf.learners),
    votersOutgoing: fromZero(conf.votersOutgoing),
    learnersNext: fromZero(conf.learnersNext),
  });
}
