/**
 * One member of a Raft group without any I/O: feed it messages, ticks and
 * proposals, do what `ready()` says, report what is done.
 */
import { invariant } from "../runtime/invariant.ts";
import type { Prng } from "../runtime/prng.ts";
import { type RaftConfig, validateRaftConfig } from "./config.ts";
import { campaign } from "./election/election.ts";
import { noticeGone } from "./election/leader_gone.ts";
import type { ConfChange } from "./membership/conf_change.ts";
import {
  appendConfChange,
  applyConfChange,
  checkConfChange,
  leaveJointIfDue,
} from "./membership/membership_change.ts";
import { isConfStateValid } from "./membership/membership.ts";
import type { Message } from "./message.ts";
import { ProposalError } from "./proposal_error.ts";
export { ProposalError } from "./proposal_error.ts";
import { appendOwn, becomeFollower, createCore, type RaftCore, send } from "./raft_core.ts";
import { RaftLog, type RetentionOptions } from "./log/raft_log.ts";
import type { Ready } from "./ready.ts";
import { ReadyRounds } from "./ready_rounds.ts";
import { catchUpIndexes, replicate, sendHeld } from "./replication/replication.ts";
import { acceptRead, beginReadRound } from "./reads/serve_reads.ts";
import { type RawNodeStatus, statusOf } from "./status.ts";
import { step, tick } from "./step.ts";
import { needsSnapshot } from "./step_follower.ts";
import { beginTransfer } from "./step_leader.ts";
import {
  type ConfState,
  type Entry,
  type HardState,
  type LogIndex,
  type NodeId,
  NONE,
  type SnapshotMeta,
  type Term,
} from "./types.ts";
import { isWellFormed } from "./well_formed.ts";

export interface RawNodeOptions {
  readonly config: RaftConfig;
  /** Draws election timeouts. */
  readonly prng: Prng;
  /** As last saved; all zero for a new node. */
  readonly hardState: HardState;
  /** The membership as of `applied`. */
  readonly confState: ConfState;
  /** The log starts after this entry; 0/0 for a fresh log. */
  readonly logStart: { readonly index: LogIndex; readonly term: Term };
  /** Contiguous from `logStart.index + 1` on, all durable. */
  readonly entries: readonly Entry[];
  /** How far the state machine is; at least `logStart.index`. */
  readonly applied: LogIndex;
}

export class RawNode {
  readonly #core: RaftCore;
  readonly #rounds: ReadyRounds;

  /**
   * @throws {RangeError} If the configuration is out of its ranges
   * @throws {InvariantError} If what the store returned contradicts itself
   */
  constructor(options: RawNodeOptions) {
    const { config, prng, hardState, confState, logStart, entries, applied } = options;
    validateRaftConfig(config);
    invariant(isConfStateValid(confState), () => `Members ${confState.voters} are possible`);
    const { commit } = hardState;
    const log = new RaftLog({ start: { ...logStart }, entries, commit, applied });
    this.#core = createCore({ config, prng, hardState, conf: confState, log });
    this.#rounds = new ReadyRounds(this.#core, hardState);
  }

  /** One tick of time has passed. */
  tick(): void {
    tick(this.#core);
  }

  /**
   * Takes a message of a peer in; one that no correct peer sends is dropped.
   *
   * @throws {LostEntriesError} If the log lacks what it has acknowledged to its leader
   */
  step(message: Message): void {
    const { config: { id }, term } = this.#core;
    if (message.to !== id || message.from === id || !isWellFormed(message, term)) return;
    step(this.#core, message);
  }

  /**
   * Appends an entry, if this node leads. An entry without data is what a new
   * leader begins its term with; state machines pass over it.
   *
   * @returns Where the entry will stand if it becomes committed: other entries
   * may take that index, but then with another term
   * @throws {ProposalError} `notLeader`; `transferring` while leadership is
   * handed over; `overloaded` if `uncommittedBytesMax` would be exceeded by
   * anything but the only uncommitted entry
   */
  propose(data: Uint8Array): { index: LogIndex; term: Term } {
    const core = this.#core;
    this.#checkProposal(data);
    return { index: appendOwn(core, data), term: core.term };
  }

  /**
   * Appends a change of members. It is in force once it is committed and the
   * driver has called {@linkcode applyConfChange}; if voters change, a joint
   * configuration is in force at first, which the leader then ends by itself
   * with an entry of its own that carries no data.
   *
   * @param data The change as the driver will know it again when it is committed; not empty
   * @throws {ProposalError} As `propose`; `changing` while another change is
   * under way; `invalidChange` if it makes no sense
   */
  proposeConfChange(change: ConfChange, data: Uint8Array): { index: LogIndex; term: Term } {
    const core = this.#core;
    invariant(data.length > 0 || change.changes.length === 0, "A change of members has data");
    this.#checkProposal(data);
    checkConfChange(core, change);
    return { index: appendConfChange(core, data), term: core.term };
  }

  /**
   * Puts a change in force. To be called for every committed entry of the kind
   * `confChange`, in order, when it is applied and before `applied` is told;
   * for one without data the change is `LEAVE_JOINT`.
   *
   * @param index Where the entry stands; if a snapshot that leads past it has
   * been restored meanwhile, nothing changes
   * @returns The configuration in force
   */
  applyConfChange(index: LogIndex, change: ConfChange): ConfState {
    const core = this.#core;
    if (index > core.log.start.index) applyConfChange(core, change);
    return core.conf;
  }

  /**
   * Tells the core the time, before what happened until then is handed to it.
   *
   * @param nowMs A clock that never goes back, in milliseconds
   */
  observeClock(nowMs: number): void {
    this.#core.nowMs = nowMs;
  }

  #checkProposal(data: Uint8Array): void {
    const core = this.#core;
    const { config: { id, uncommittedBytesMax }, uncommittedBytes } = core;
    if (core.role !== "leader" || !core.progress.has(id)) {
      throw new ProposalError("notLeader", `Cannot propose: node ${id} is a ${core.role}`);
    }
    if (core.transferee !== NONE) {
      throw new ProposalError(
        "transferring",
        `Cannot propose: leadership is being handed to node ${core.transferee}`,
      );
    }
    if (uncommittedBytes > 0 && uncommittedBytes + data.length > uncommittedBytesMax) {
      throw new ProposalError(
        "overloaded",
        `Cannot propose ${data.length} bytes: ${uncommittedBytes} of ${uncommittedBytesMax} ` +
          "uncommitted bytes are in use",
      );
    }
  }

  /**
   * Asks for an index such that a read after applying it is linearizable. The
   * context comes back in `Ready.readStates`, or in `Ready.droppedReads` if
   * leadership changes or the leader does not answer within an election
   * timeout.
   *
   * @param context Names the request; each attempt needs a new one
   * @throws {ProposalError} `notLeader` if no leader is known; `overloaded` if
   * `pendingReadsMax` requests wait already
   */
  readIndex(context: number): void {
    const core = this.#core;
    const { config: { id: from, pendingReadsMax, electionTicks }, leader, term } = core;
    if (leader === NONE) {
      throw new ProposalError("notLeader", `Cannot read: node ${from} knows no leader`);
    }
    const refused = core.role === "leader"
      ? !acceptRead(core, from, context)
      : core.forwardedReads.size >= pendingReadsMax;
    if (refused) {
      throw new ProposalError("overloaded", `Cannot read: ${pendingReadsMax} reads wait already`);
    }
    if (core.role === "leader") return;
    const number = core.forwardedReads.add(context, electionTicks);
    send(core, { type: "readIndex", from, to: leader, term, context: number });
  }

  /**
   * Hands leadership to a voter. Proposals are refused until it has taken over
   * or an election timeout has passed.
   *
   * @returns False, with nothing changed, if this node does not lead or the other is no voter
   */
  transferLeader(to: NodeId): boolean {
    return beginTransfer(this.#core, to);
  }

  /** Acts as if the election timeout had passed; nothing on a leader or a node that may not lead. */
  campaign(): void {
    campaign(this.#core);
  }

  /** Leads no longer, for a reason that the others cannot see; nothing on a node that does not lead. */
  resign(): void {
    if (this.#core.role === "leader") becomeFollower(this.#core, this.#core.term, NONE);
  }

  /** Whether `ready()` has anything to say. */
  hasReady(): boolean {
    this.#settle();
    return this.#rounds.hasNext;
  }

  /** What must be done now; see `Ready` for the duties. May be called before earlier rounds are done. */
  ready(): Ready {
    this.#settle();
    return this.#rounds.next();
  }

  /**
   * Everything in `ready` is durable. Rounds are reported in their order; one
   * without anything to save or to send afterwards may be left out.
   */
  persisted(ready: Ready): void {
    this.#rounds.persisted(ready);
  }

  /** Everything handed out up to `index`, in entries or as a snapshot, is applied. */
  applied(index: LogIndex): void {
    this.#core.log.appliedTo(index);
  }

  /**
   * Drops entries up to `index` from memory; below what is gone already it does
   * nothing. Costs time linear in what is kept: do it in strides.
   *
   * @param index At most the applied index
   */
  compact(index: LogIndex): void {
    this.#core.log.compactTo(index);
  }

  /**
   * The index to compact to so that, of the entries up to `applied`, no more
   * than `entriesMax` and no more than `bytesMax` payload bytes stay in memory.
   * 0 while a restored snapshot is not reported as applied.
   */
  compactionIndex(retain: RetentionOptions): LogIndex {
    return this.#core.log.compactionIndex(retain);
  }

  /**
   * On a leader: for each member that is reachable and is being brought up to date
   * by a snapshot, the index after which it needs entries. Without them it would
   * need another snapshot as soon as it has this one.
   *
   * @param usual Where the log would be cut if there were no such members; one that
   *   has everything up to there needs no regard
   */
  catchUpIndexes(usual: LogIndex): readonly LogIndex[] {
    return catchUpIndexes(this.#core, usual);
  }

  /** A message to `peer` was lost for sure: look anew for where the logs meet. */
  reportUnreachable(peer: NodeId): void {
    const progress = this.#core.progress.get(peer);
    if (peer !== this.#core.config.id && progress?.state === "replicate") progress.becomeProbe();
  }

  /**
   * The connection to `peer` broke and none can be made anew: if it is the
   * leader, an election need not wait for the whole timeout.
   */
  reportGone(peer: NodeId): void {
    noticeGone(this.#core, peer);
  }

  /**
   * Whether a thrifty leader holds something back: the driver is to call
   * {@linkcode sendHeld} within milliseconds.
   */
  get holdsBack(): boolean {
    return this.#core.vanguard.holdsBack;
  }

  /** Has the next rounds send what a thrifty leader holds back. */
  sendHeld(): void {
    sendHeld(this.#core);
  }

  /**
   * The transfer of a snapshot to `peer` has ended. Until this is called, or
   * the peer acknowledges an index that replication can go on from, it gets no
   * entries.
   *
   * @param ok Whether the peer has fetched everything
   */
  reportSnapshot(peer: NodeId, ok: boolean): void {
    const progress = this.#core.progress.get(peer);
    if (progress?.state !== "snapshot") return;
    if (ok) progress.becomeProbe();
    else progress.abandonSnapshot();
    // Do not run in circles with a peer in trouble: wait until it answers a heartbeat.
    progress.probeSent = true;
  }

  /**
   * Whether the driver must fetch and stage the data of this snapshot before it
   * steps the message that names it. If not, step the message as it is.
   */
  wantsSnapshot(snapshot: SnapshotMeta): boolean {
    return needsSnapshot(this.#core, snapshot);
  }

  /** Everything at a glance, a leader's members too; for the hot path there are the getters below. */
  status(): RawNodeStatus {
    return statusOf(this.#core);
  }

  get commitIndex(): LogIndex {
    return this.#core.log.commit;
  }

  get appliedIndex(): LogIndex {
    return this.#core.log.applied;
  }

  get lastIndex(): LogIndex {
    return this.#core.log.lastIndex;
  }

  /** The membership in force. */
  get confState(): ConfState {
    return this.#core.conf;
  }

  /** Payload bytes of the entries in memory. */
  get logBytes(): number {
    return this.#core.log.bytes;
  }

  /** The term of the entry at `index`; undefined if it is compacted or not there. */
  entryTerm(index: LogIndex): Term | undefined {
    return this.#core.log.term(index);
  }

  /** Turns what has come in since the last round into messages, once per round. */
  #settle(): void {
    if (this.#core.role !== "leader") return;
    leaveJointIfDue(this.#core);
    beginReadRound(this.#core);
    replicate(this.#core);
  }
}
