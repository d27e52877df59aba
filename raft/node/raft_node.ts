/**
 * One member of a Raft group: the only asynchronous Raft code. A single loop
 * feeds the pure core (messages, ticks, proposals, reads), takes its rounds,
 * and sees to the order they demand (raft/ready.ts).
 */
import { KvError } from "../../rpc/errors.ts";
import type { ServiceRoutes } from "../../rpc/service.ts";
import { randomId } from "../../runtime/prng.ts";
import type { RaftConfig } from "../config.ts";
import type { Message } from "../message.ts";
import { ProposalError, RawNode } from "../mod.ts";
import type { ProgressStatus } from "../status.ts";
import type { LogIndex, NodeId } from "../types.ts";
import { type AppliedEntry, Applier, PENDING_BYTES_MAX } from "./apply/applier.ts";
import { ApplyLookout } from "./apply/apply_lookout.ts";
import { CheckService } from "./apply/check_service.ts";
import { LiveGeneration } from "./apply/live_generation.ts";
import type { MachineReader } from "./apply/state_machine.ts";
import { HeldMessages } from "./held_messages.ts";
import { cutIndex } from "./log/log_retention.ts";
import { LogTime } from "./log/log_time.ts";
import { FirstMeeting } from "./members/first_meeting.ts";
import { GroupMembers } from "./members/group_members.ts";
import type { NodeIdentity } from "./members/identity.ts";
import { checkAddress, type Identified, identify } from "./members/join.ts";
import { MemberChanges } from "./members/member_changes.ts";
import { PeerRegistry } from "./members/peer_registry.ts";
import type { Roster } from "./members/roster.ts";
import { Persister, type Round } from "./persister.ts";
import { RaftMetrics } from "./raft_metrics.ts";
import {
  raftConfig,
  type RaftNodeOptions,
  type RaftNodeStatus,
  retentionLimits,
  TICK_MS_DEFAULT,
} from "./raft_node_options.ts";
import { Leadership } from "./requests/leadership.ts";
import { refusal } from "./requests/proposal_refusal.ts";
import { Proposals, type ReplyAt } from "./requests/proposals.ts";
import { ReadBarriers } from "./requests/read_barriers.ts";
import { Rounds } from "./rounds.ts";
import { SnapshotExchange } from "./snapshot/snapshot_exchange.ts";
import { openStored, type StoredNode } from "./stored_node.ts";
import { RpcTransport } from "./transport/rpc_transport.ts";
import { Turns } from "./turns.ts";

/** Entries a leader has proposed and not seen committed; beyond, proposals gather for the next. */
const ENTRIES_IN_FLIGHT_MAX = 4;

/** @typeParam Reply What the machine answers to proposals */
export class RaftNode<Reply = unknown> {
  /** What the node measures of itself. */
  readonly metrics: RaftMetrics = new RaftMetrics();
  readonly #options: RaftNodeOptions<Reply> & Identified;
  readonly #core: RawNode;
  readonly #generation: LiveGeneration;
  readonly #applier: Applier;
  readonly #persister: Persister;
  readonly #transport: RpcTransport;
  readonly #snapshots: SnapshotExchange;
  readonly #members: GroupMembers;
  /** How its members are changed, while it leads. */
  readonly memberChanges: MemberChanges;
  readonly #proposals = new Proposals();
  readonly #barriers: ReadBarriers;
  readonly #leadership: Leadership;
  readonly #meeting: FirstMeeting;
  readonly #check: CheckService;
  readonly #held: HeldMessages;
  readonly #rounds: Rounds;
  readonly #inbox: Message[] = [];
  readonly #logTime: LogTime;
  readonly #turns: Turns;
  /**
   * How long a leader's write may take, in milliseconds. Its followers alone commit
   * and are content with it; but what its own disk lacks it can neither apply nor
   * answer.
   */
  readonly #writingMsMax: number;
  #stopped = false;

  /**
   * Loads the node from its engine (or begins a new one) and starts ticking.
   *
   * @throws {IdentityError} If the engine or the group to join belongs to somebody else
   * @throws {EngineError} If the engine cannot be read
   */
  static async open<Reply>(options: RaftNodeOptions<Reply>): Promise<RaftNode<Reply>> {
    const { engine, prng, join } = options;
    const who = await identify(options);
    const stored = await openStored(engine, who.identity, who.first, prng);
    if (join !== undefined) checkAddress(stored.roster, who);
    const registry = await PeerRegistry.load({
      engine,
      self: who.identity.nodeId,
      mustMeet: stored.isBlank && join === undefined ? stored.confState.voters : [],
    });
    // It may have stopped between a change of members, or a snapshot, and taking note of them.
    await registry.learn(stored.roster.members);
    const node = new RaftNode<Reply>({ ...options, ...who }, stored, registry);
    await options.machine.load(node.#generation);
    node.#observeLogTime();
    options.observer?.started?.(node.#core, options.machine);
    node.#meeting.start(() => node.#takePart());
    return node;
  }

  private constructor(
    options: RaftNodeOptions<Reply> & Identified,
    stored: StoredNode,
    registry: PeerRegistry,
  ) {
    const { engine, identity, clock, tickMs = TICK_MS_DEFAULT } = options;
    const config = raftConfig(options);
    const onFatal = (error: unknown) => this.#fail(error);
    this.#options = options;
    this.#logTime = new LogTime(clock);
    this.#turns = new Turns({
      clock,
      tickMs,
      onTurn: (ticks) => this.#turn(ticks),
      onTick: (lateMs) => this.metrics.ticked(lateMs),
      onFatal,
    });
    this.#core = new RawNode({ ...stored, config, prng: options.prng });
    // Had its disk stopped its event loop, the others would have replaced it by then.
    this.#writingMsMax = 2 * config.electionTicks * tickMs;
    this.#barriers = new ReadBarriers(2 * config.electionTicks);
    this.#generation = new LiveGeneration(engine, stored.generation);
    const lookout = new ApplyLookout(stored.applied);
    this.#check = new CheckService({ ...options, generation: this.#generation, lookout });
    this.#applier = this.#createApplier(stored.roster, lookout, config);
    this.#persister = this.#createPersister(stored);
    const { roster, incarnation } = stored;
    const shared = { ...options, roster, incarnation, registry, onFatal };
    this.#transport = new RpcTransport(shared);
    this.#meeting = new FirstMeeting(shared);
    this.#leadership = new Leadership({
      soft: this.#core.status(),
      addressOf: (node) => this.#transport.addressOf(node),
      logger: options.logger,
      onWon: () => this.#logTime.lead(this.#machineTimeMs),
      onLost: () => this.#onLeadershipLost(),
    });
    this.#members = new GroupMembers({
      ...shared,
      self: config.id,
      core: this.#core,
      transport: this.#transport,
    });
    this.memberChanges = new MemberChanges({
      core: this.#core,
      members: this.#members,
      proposals: this.#proposals,
      leadership: this.#leadership,
      wake: () => this.#turns.wake(),
    });
    this.#snapshots = new SnapshotExchange({
      ...shared,
      core: this.#core,
      generation: this.#generation,
      addressOf: (peer) => this.#transport.addressOf(peer),
      transmit: (message) => this.#rounds.transmit([message]),
      onStepped: () => this.#rounds.take(),
      wake: () => this.#turns.wake(),
    });
    this.#held = new HeldMessages({ ...shared, core: this.#core, wake: () => this.#turns.wake() });
    this.#rounds = new Rounds({
      identity,
      observer: options.observer,
      core: this.#core,
      persister: this.#persister,
      applier: this.#applier,
      barriers: this.#barriers,
      leadership: this.#leadership,
      transport: this.#transport,
      snapshots: this.#snapshots,
      held: this.#held,
      onInstalled: (index) => this.#onInstalled(index),
    });
  }

  #createApplier(roster: Roster, lookout: ApplyLookout, config: RaftConfig): Applier {
    const { identity, engine, machine, prng } = this.#options;
    return new Applier({
      identity,
      engine,
      machine,
      generation: this.#generation,
      // Not the incarnation, which every member is told, and every client that asks.
      secret: randomId(prng),
      roster,
      lookout,
      onMembers: (...change) => this.#members.onApplied(...change),
      onReplies: (entries) => this.#onReplies(entries),
      onApplied: (index) => this.#onApplied(index),
      pendingBytesMax: Math.min(PENDING_BYTES_MAX, config.applyBytesMax / 2),
      isAwaited: () => this.#barriers.hasWaiting || this.#proposals.hasDecided,
      onFatal: (error) => this.#fail(error),
    });
  }

  #createPersister({ store }: StoredNode): Persister {
    const { identity, engine, machine, clock } = this.#options;
    return new Persister({
      identity,
      engine,
      store,
      machine,
      generation: this.#generation,
      applier: this.#applier,
      clock,
      metrics: this.metrics,
      retainedEntriesMax: retentionLimits(this.#options).entriesMax,
      onPersisted: (rounds) => this.#onPersisted(rounds),
      onInstalled: (roster) => this.#members.onInstalled(roster),
      onFatal: (error) => this.#fail(error),
    });
  }

  /**
   * The methods that peers call, and those that compare replicas; to be served
   * beside the group's own.
   */
  get routes(): ServiceRoutes {
    return [this.#transport.route, ...this.#snapshots.routes, this.#check.route];
  }

  /** Reads of the machine's keys as applied so far; not linearizable by itself. */
  get reader(): MachineReader {
    return this.#generation;
  }

  /**
   * Replicates a payload and resolves with the machine's reply.
   *
   * @param replyAt When to resolve. "applied": once `reader` shows the effect.
   *   "decided": a little sooner, once the entry is committed and the machine has
   *   replied; a read behind a {@linkcode readBarrier} sees the effect all the same
   * @param values How many values of keys the machine will read to apply it; bounds
   *   what every replica holds in memory at a time
   * @throws {KvError} NOT_LEADER (with the leader's address), OVERLOADED,
   *   LEADERSHIP_LOST, INVALID_ARGUMENT
   */
  propose(payload: Uint8Array, replyAt: ReplyAt = "applied", values = 0): Promise<Reply> {
    if (!this.#leadership.isOwn) return Promise.reject(this.#leadership.notLeader());
    const reply = this.#proposals.enqueue(payload, replyAt, values);
    this.#turns.wake();
    // What is proposed here is answered by the machine and nobody else.
    return reply as Promise<Reply>;
  }

  /**
   * Resolves once everything committed before the call is applied here: what
   * `reader` returns then is linearizable (ReadIndex, thesis 6.4).
   *
   * @param where "anywhere": a follower asks its leader, and answers for itself
   * @throws {KvError} NOT_LEADER (with the leader's address), OVERLOADED, UNAVAILABLE
   */
  readBarrier(where: "onLeader" | "anywhere" = "onLeader"): Promise<void> {
    const isRefused = where === "onLeader" && !this.#leadership.isOwn;
    if (isRefused || this.#stopped) return Promise.reject(this.#leadership.notLeader());
    const barrier = this.#barriers.enqueue();
    this.#turns.wake();
    return barrier;
  }

  /** Which node of which group this is. */
  get identity(): NodeIdentity {
    return this.#options.identity;
  }

  /** Where this node is. */
  get address(): string {
    return this.#options.address;
  }

  /** The members as this node has applied them. */
  get roster(): Roster {
    return this.#members.roster;
  }

  /** Calls back on every change of members. Returns a function that ends it. */
  onRosterChange(listener: (roster: Roster) => void): () => void {
    return this.#members.onChange(listener);
  }

  /** What a leader knows of every member; empty elsewhere. */
  progress(): ReadonlyMap<NodeId, ProgressStatus> {
    return this.#core.status().progress;
  }

  status(): RaftNodeStatus {
    const { id, role, term, leader, commit, applied, firstIndex, lastIndex } = this.#core.status();
    const leaderAddress = this.#transport.addressOf(leader);
    return { id, role, term, leader, leaderAddress, commit, applied, firstIndex, lastIndex };
  }

  /** Calls back on every change of role, leader or term. Returns a function that ends it. */
  onRoleChange(listener: (status: RaftNodeStatus) => void): () => void {
    return this.#leadership.onChange(() => listener(this.status()));
  }

  /** Stops ticking, fails what is waiting, closes peers; the engine stays open. */
  async stop(): Promise<void> {
    this.#halt(new KvError("UNAVAILABLE", "The node is stopping"));
    await Promise.all([this.#transport.close(), this.#snapshots.close(), this.#check.close()]);
    await this.#persister.stop();
    await this.#applier.stop();
  }

  #takePart(): void {
    this.#transport.onMessage((message) => {
      this.#options.observer?.messageTaken?.(message);
      this.#inbox.push(message);
      this.#turns.wake();
    });
    this.#transport.onUnreachable((peer) => {
      this.#core.reportUnreachable(peer);
      this.#snapshots.remind(peer);
      this.#turns.wake();
    });
    this.#transport.onGone((peer) => {
      this.#core.reportGone(peer);
      this.#turns.wake();
    });
    this.#turns.start();
  }

  #turn(ticks: number): void {
    this.#core.observeClock(Math.floor(this.#options.clock.now()));
    for (const message of this.#inbox.splice(0)) {
      if (message.type === "snapshot") this.#snapshots.receive(message);
      else this.#core.step(message);
    }
    if (this.#persister.writingMs > this.#writingMsMax) this.#core.resign();
    for (let i = 0; i < ticks; i++) {
      this.#core.tick();
      this.#barriers.tick();
      this.#applier.tick();
    }
    this.#rounds.take();
    this.#readNext();
    this.#proposeNext();
    this.#rounds.take();
    this.#startWriting();
    this.#options.observer?.turnEnded?.();
  }

  /**
   * A leader's messages leave before it writes to its disk: they take some time to
   * be answered, and the event loop may be blocked by the disk meanwhile.
   */
  #startWriting(): void {
    if (!this.#persister.isDue) return;
    if (this.#leadership.isOwn) this.#options.clock.afterTurn(() => this.#persister.start());
    else this.#persister.start();
  }

  #proposeNext(): void {
    while (this.#proposals.hasQueued && this.#mayPropose()) {
      try {
        const timeMs = this.#logTime.now();
        this.#proposals.proposeNext(timeMs, (data) => this.#core.propose(data));
      } catch (error) {
        if (!(error instanceof ProposalError)) throw error;
        // Refused for now (too much uncommitted, leadership on its way out): it stays queued.
        if (error.code === "notLeader") this.#proposals.failQueued(this.#leadership.notLeader());
        return;
      }
    }
  }

  /** Bounds the entries under way; what waits meanwhile shares the next one. */
  #mayPropose(): boolean {
    return this.#core.lastIndex - this.#core.commitIndex < ENTRIES_IN_FLIGHT_MAX;
  }

  #readNext(): void {
    try {
      this.#barriers.startRound((context) => {
        this.#options.observer?.readStarted?.(context);
        this.#core.readIndex(context);
      });
    } catch (error) {
      this.#barriers.failQueued(refusal(error, this.#leadership.notLeader()));
    }
  }

  #onPersisted(rounds: readonly Round[]): void {
    this.#rounds.persisted(rounds);
    this.#turns.wake();
  }

  #onInstalled(index: LogIndex): void {
    this.#observeLogTime();
    this.#options.observer?.appliedTo?.(index);
    this.#barriers.onApplied(index);
  }

  #onReplies(entries: readonly AppliedEntry[]): void {
    if (this.#stopped) return;
    this.#options.observer?.entriesApplied?.(entries);
    for (const { index, term, replies } of entries) this.#proposals.settle(index, term, replies);
  }

  #onApplied(index: LogIndex): void {
    if (this.#stopped) return;
    this.#core.applied(index);
    this.#observeLogTime();
    this.#options.observer?.appliedTo?.(index);
    this.#proposals.applied(index);
    this.#barriers.onApplied(index);
    this.#compact(index);
    this.#turns.wake();
  }

  #observeLogTime(): void {
    this.#logTime.observe(this.#machineTimeMs);
  }

  get #machineTimeMs(): number {
    return this.#options.machine.timeMs ?? 0;
  }

  #compact(applied: LogIndex): void {
    const index = cutIndex(this.#core, applied, retentionLimits(this.#options));
    const compacted = this.#persister.compact(index, (i) => this.#core.entryTerm(i));
    if (compacted === undefined) return;
    this.#core.compact(compacted.index);
    compacted.done.catch((error) => this.#fail(error));
  }

  #onLeadershipLost(): void {
    this.#proposals.failWaiting(this.#leadership.lost());
    this.#proposals.failQueued(this.#leadership.notLeader());
    this.#barriers.failQueued(this.#leadership.notLeader());
    this.#members.failWaiting(this.#leadership.lost());
  }

  /** A storage error or a broken invariant: the node never limps on. */
  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#halt(new KvError("INTERNAL", "The node has failed", { cause: error }));
    this.#options.onFatal(error);
  }

  #halt(error: KvError): void {
    this.#stopped = true;
    this.#turns.stop();
    this.#held.stop();
    this.#meeting.end();
    this.#proposals.failAll(error);
    this.#barriers.failAll(error);
    this.#members.failWaiting(error);
    this.#leadership.end();
  }
}
