/** How a leader changes who belongs to its group, and to whom it hands its leadership. */
import { KvError } from "../../../rpc/errors.ts";
import type { RawNode } from "../../raw_node.ts";
import type { LogIndex, NodeId, Term } from "../../types.ts";
import type { Leadership } from "../requests/leadership.ts";
import { refusal } from "../requests/proposal_refusal.ts";
import type { Proposals } from "../requests/proposals.ts";
import type { AddressedChange, GroupMembers } from "./group_members.ts";
import type { Roster } from "./roster.ts";

export interface MemberChangesOptions {
  readonly core: RawNode;
  readonly members: GroupMembers;
  readonly proposals: Proposals;
  readonly leadership: Leadership;
  /** Has the node's loop take what the core has to say. */
  readonly wake: () => void;
}

export class MemberChanges {
  readonly #options: MemberChangesOptions;

  constructor(options: MemberChangesOptions) {
    this.#options = options;
  }

  /**
   * Changes who belongs to the group. If voters change, resolves once this node
   * knows the change to be complete.
   *
   * @throws {KvError} NOT_LEADER, NOT_READY while another change is under way,
   * INVALID_ARGUMENT if it makes no sense, LEADERSHIP_LOST
   */
  async make(changes: readonly AddressedChange[]): Promise<Roster> {
    const { members } = this.#options;
    await this.#propose(() => members.propose(changes));
    return await this.#settled();
  }

  /**
   * Resolves once no change of voters is under way and a majority of the voters know
   * it. Were this leader alone to know, and then to end, the others might need the
   * vote of a member that was removed and is gone.
   *
   * @throws {KvError} NOT_LEADER, NOT_READY while leadership is handed over, OVERLOADED, LEADERSHIP_LOST
   */
  async confirm(): Promise<Roster> {
    const { core, leadership } = this.#options;
    leadership.demand();
    const roster = await this.#settled();
    // Whoever takes an entry that was made behind the change hears that the change is committed.
    await this.#propose(() => core.propose(new Uint8Array(0)), 0);
    return roster;
  }

  /**
   * Begins to hand leadership to a voter.
   *
   * @throws {KvError} NOT_LEADER; INVALID_ARGUMENT if the other is no voter
   */
  transferLeader(to: NodeId): void {
    const { core, leadership, wake } = this.#options;
    leadership.demand();
    if (!core.transferLeader(to)) {
      const why = `Cannot hand leadership to node ${to - 1}: it is no voting member besides this`;
      throw new KvError("INVALID_ARGUMENT", why);
    }
    wake();
  }

  /** Proposes an entry past the queue and waits until it is applied. */
  async #propose(propose: () => { index: LogIndex; term: Term }, replies = 1): Promise<void> {
    const { proposals, leadership, wake } = this.#options;
    leadership.demand();
    let applied: Promise<unknown>;
    try {
      const { index, term } = propose();
      applied = proposals.await(index, term, replies);
    } catch (error) {
      throw refusal(error, leadership.notLeader());
    }
    wake();
    await applied;
  }

  /** Who loses the leadership while a change is under way may never hear of its end. */
  async #settled(): Promise<Roster> {
    const { members, leadership } = this.#options;
    if (members.isChanging && !leadership.isOwn) throw leadership.lost();
    return await members.settled();
  }
}
