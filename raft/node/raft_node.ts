/**
 * One member of a Raft group: the only asynchronous Raft code. A single loop
 * feeds the pure core (messages, ticks, proposals, reads), takes its rounds,
 * and sees to the order they demand (raft/ready.ts).
 */
import { KvError } from "../../rpc/errors.ts";
import type { Dialer, ServiceRoutes } from "../../rpc/service.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { Engine } from "../../storage/engine.ts";
import { defaultRaftConfig, type RaftConfig } from "../config.ts";
import type { InstallSnapshot, Message } from "../message.ts";
import { ProposalError, RawNode } from "../mod.ts";
import type { Ready, SoftState } from "../ready.ts";
import type { LogIndex, NodeId, Role, Term } from "../types.ts";
import { type AppliedEntry, Applier } from "./applier.ts";
import { pass, passAtOnce } from "./failpoints.ts";
import type { NodeIdentity } from "./identity.ts";
import { LiveGeneration } from "./live_generation.ts";
import { LogTime } from "./log_time.ts";
import type { RaftObserver } from "./observer.ts";
import { Persister, type Round } from "./persister.ts";
import { lost, Proposals, type ReplyAt } from "./proposals.ts";
import { ReadBarriers } from "./read_barriers.ts";
import { RpcTransport } from "./rpc_transport.ts";
import { SnapshotReceiver, type StagedSnapshot } from "./snapshot_receiver.ts";
import { SnapshotSource } from "./snapshot_source.ts";
import { openStored, type StoredNode } from "./stored_node.ts";
import type { MachineReader, StateMachine } from "./state_machine.ts";

/** Entries a leader has proposed and not seen committed; beyond, proposals gather for the next. */
const ENTRIES_IN_FLIGHT_MAX = 4;

/** Log entries kept behind the applied index unless told otherwise. */
export const RETAINED_ENTRIES_DEFAULT = 10_000;
/** Bytes of log kept behind the applied index unless told otherwise; they are in memory too. */
export const RETAINED_BYTES_DEFAULT = 32 << 20;

export interface RaftNodeOptions {
  readonly identity: NodeIdentity;
  /** Address of every member, this node included. */
  readonly members: ReadonlyMap<NodeId, string>;
  readonly engine: Engine;
  readonly machine: StateMachine;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Milliseconds of one tick. @default {100} */
  readonly tickMs?: number;
  readonly raft?: Partial<Omit<RaftConfig, "id">>;
  /** Log entries kept behind the applied index. @default {RETAINED_ENTRIES_DEFAULT} */
  readonly retainedEntriesMax?: number;
  /** Bytes of log kept behind the applied index. @default {RETAINED_BYTES_DEFAULT} */
  readonly retainedBytesMax?: number;
  /** Called once when the node cannot go on (storage error, broken invariant). The process should exit non-zero. */
  readonly onFatal: (error: unknown) => void;
  /** Watches what the node does, for tests. */
  readonly observer?: RaftObserver | undefined;
}

export interface RaftNodeStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly leader: NodeId;
  /** Address of the leader; undefined if unknown. */
  readonly leaderAddress: string | undefined;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
}

export class RaftNode {
  readonly #options: RaftNodeOptions;
  readonly #core: RawNode;
  readonly #generation: LiveGeneration;
  readonly #applier: Applier;
  readonly #persister: Persister;
  readonly #transport: RpcTransport;
  readonly #source: SnapshotSource;
  readonly #receiver: SnapshotReceiver;
  readonly #proposals = new Proposals();
  readonly #barriers: ReadBarriers;
  readonly #listeners = new Set<(status: RaftNodeStatus) => void>();
  readonly #inbox: Message[] = [];
  readonly #logTime: LogTime;
  #soft: SoftState;
  #staged: StagedSnapshot | undefined;
  #ticks = 0;
  #timer: Timer | undefined;
  #turnScheduled = false;
  #stopped = false;

  /** Loads the node from its engine (or begins a new one) and starts ticking. */
  static async open(options: RaftNodeOptions): Promise<RaftNode> {
    const voters = [...options.members.keys()];
    const stored = await openStored(options.engine, options.identity, voters);
    const node = new RaftNode(options, stored);
    await options.machine.load(node.#generation);
    node.#observeLogTime();
    options.observer?.started?.(node.#core, options.machine);
    node.#start();
    return node;
  }

  private constructor(options: RaftNodeOptions, stored: StoredNode) {
    const { engine, machine, identity } = options;
    const config = { ...defaultRaftConfig, ...options.raft, id: identity.nodeId };
    const onFatal = (error: unknown) => this.#fail(error);
    this.#options = options;
    this.#logTime = new LogTime(options.clock);
    this.#core = new RawNode({ ...stored, config, prng: options.prng });
    const { role, leader, term } = this.#core.status();
    this.#soft = { role, leader, term };
    this.#barriers = new ReadBarriers(2 * config.electionTicks);
    this.#generation = new LiveGeneration(engine, stored.generation);
    this.#applier = new Applier({
      identity,
      engine,
      machine,
      generation: this.#generation,
      confState: () => this.#core.confState,
      onReplies: (entries) => this.#onReplies(entries),
      onApplied: (index) => this.#onApplied(index),
      onFatal,
    });
    this.#persister = new Persister({
      identity,
      engine,
      store: stored.store,
      machine,
      generation: this.#generation,
      applier: this.#applier,
      retainedEntriesMax: options.retainedEntriesMax ?? RETAINED_ENTRIES_DEFAULT,
      onPersisted: (rounds) => this.#onPersisted(rounds),
      onFatal,
    });
    this.#transport = new RpcTransport(options);
    this.#source = new SnapshotSource({
      ...options,
      onAbandoned: (peer) => {
        this.#core.reportSnapshot(peer, false);
        this.#wake();
      },
    });
    this.#receiver = new SnapshotReceiver({
      ...options,
      onStaged: (staged) => this.#onStaged(staged),
      onFatal,
    }, stored.generation);
  }

  /** What peers call; to be served beside the group's own services. */
  get routes(): ServiceRoutes {
    return [this.#transport.route, this.#source.route];
  }

  /** Reads of the machine's keys as applied so far; not linearizable by itself. */
  get reader(): MachineReader {
    return this.#generation;
  }

  /**
   * Replicates a payload and resolves with the machine's reply.
   *
   * @param replyAt "applied": `reader` shows the effect. "decided": a little
   *   sooner, for those who do not look at what they wrote; a read behind a
   *   {@linkcode readBarrier} sees it all the same
   * @throws {KvError} NOT_LEADER (with the leader's address), OVERLOADED, LEADERSHIP_LOST, INVALID_ARGUMENT
   */
  propose(payload: Uint8Array, replyAt: ReplyAt = "applied"): Promise<unknown> {
    if (this.#soft.role !== "leader" || this.#stopped) return Promise.reject(this.#notLeader());
    const reply = this.#proposals.enqueue(payload, replyAt);
    this.#wake();
    return reply;
  }

  /**
   * Resolves once everything committed before the call is applied here: what
   * `reader` returns then is linearizable (ReadIndex, thesis 6.4).
   *
   * @throws {KvError} NOT_LEADER (with the leader's address), OVERLOADED, UNAVAILABLE
   */
  readBarrier(): Promise<void> {
    if (this.#soft.role !== "leader" || this.#stopped) return Promise.reject(this.#notLeader());
    const barrier = this.#barriers.enqueue();
    this.#wake();
    return barrier;
  }

  status(): RaftNodeStatus {
    const { id, role, term, leader, commit, applied, firstIndex, lastIndex } = this.#core.status();
    const leaderAddress = this.#options.members.get(leader);
    return { id, role, term, leader, leaderAddress, commit, applied, firstIndex, lastIndex };
  }

  /** Calls back on every change of role, leader or term. Returns a function that ends it. */
  onRoleChange(listener: (status: RaftNodeStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops ticking, fails what is waiting, closes peers; the engine stays open. */
  async stop(): Promise<void> {
    this.#halt(new KvError("UNAVAILABLE", "The node is stopping"));
    await Promise.all([this.#transport.close(), this.#receiver.close(), this.#source.close()]);
    await this.#persister.stop();
    await this.#applier.stop();
  }

  #start(): void {
    this.#transport.onMessage((message) => {
      this.#options.observer?.messageTaken?.(message);
      this.#inbox.push(message);
      this.#wake();
    });
    this.#transport.onUnreachable((peer) => {
      this.#core.reportUnreachable(peer);
      this.#wake();
    });
    this.#scheduleTick();
    this.#wake();
  }

  #scheduleTick(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.#ticks++;
      this.#scheduleTick();
      this.#wake();
    }, this.#options.tickMs ?? 100);
  }

  /** Runs a turn once the present callback is done, so that what arrives together is handled together. */
  #wake(): void {
    if (this.#turnScheduled || this.#stopped) return;
    this.#turnScheduled = true;
    queueMicrotask(() => {
      this.#turnScheduled = false;
      if (this.#stopped) return;
      try {
        this.#turn();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #turn(): void {
    for (const message of this.#inbox.splice(0)) this.#step(message);
    for (; this.#ticks > 0; this.#ticks--) {
      this.#core.tick();
      this.#barriers.tick();
    }
    this.#takeRounds();
    this.#readNext();
    this.#proposeNext();
    this.#takeRounds();
    this.#persister.start();
    this.#options.observer?.turnEnded?.();
  }

  /** A snapshot is pulled before the core hears of it; everything else goes straight in. */
  #step(message: Message): void {
    if (message.type !== "snapshot") this.#core.step(message);
    else if (this.#core.wantsSnapshot(message.snapshot)) this.#receiver.offer(message);
    else this.#core.step(message);
  }

  #proposeNext(): void {
    while (this.#proposals.hasQueued && this.#mayPropose()) {
      try {
        const timeMs = this.#logTime.now();
        this.#proposals.proposeNext(timeMs, (data) => this.#core.propose(data));
      } catch (error) {
        if (!(error instanceof ProposalError)) throw error;
        // Refused for now (too much uncommitted, leadership on its way out): it stays queued.
        if (error.code === "notLeader") this.#proposals.failQueued(this.#notLeader());
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
      this.#barriers.startRound((context) => this.#core.readIndex(context));
    } catch (error) {
      if (!(error instanceof ProposalError)) throw error;
      this.#barriers.failQueued(
        error.code === "overloaded"
          ? new KvError("OVERLOADED", error.message, { cause: error })
          : this.#notLeader(),
      );
    }
  }

  #takeRounds(): void {
    while (this.#core.hasReady()) this.#handle(this.#core.ready());
  }

  #handle(ready: Ready): void {
    this.#options.observer?.roundTaken?.(ready);
    if (ready.softState !== undefined) this.#onSoftState(ready.softState);
    if (ready.messages.length > 0) passAtOnce("raft/beforeSend", this.#options.identity);
    this.#send(ready.messages);
    this.#persistLater(ready);
    if (ready.committedEntries.length > 0) this.#applier.enqueue(ready.committedEntries);
    for (const state of ready.readStates) this.#barriers.confirm(state, this.#core.appliedIndex);
    for (const context of ready.droppedReads) this.#barriers.drop(context, this.#notLeader());
  }

  #persistLater(ready: Ready): void {
    const isEmpty = ready.entries.length === 0 && ready.hardState === undefined &&
      ready.snapshot === undefined;
    if (isEmpty && !this.#persister.hasPending) {
      this.#core.persisted(ready);
      this.#sendPromises(ready);
      return;
    }
    this.#persister.enqueue({ ready, installation: this.#installationFor(ready) });
  }

  #installationFor(ready: Ready): Round["installation"] {
    const meta = ready.snapshot;
    if (meta === undefined || this.#staged === undefined) return undefined;
    const { generation } = this.#staged;
    this.#staged = undefined;
    return { meta, generation };
  }

  #onPersisted(rounds: readonly Round[]): void {
    for (const { ready, installation } of rounds) {
      this.#core.persisted(ready);
      if (installation !== undefined) {
        this.#core.applied(installation.meta.index);
        this.#observeLogTime();
        this.#options.observer?.appliedTo?.(installation.meta.index);
        this.#barriers.onApplied(installation.meta.index);
      }
      this.#sendPromises(ready);
    }
    this.#wake();
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
    this.#proposals.applied();
    this.#barriers.onApplied(index);
    this.#compact(index);
    this.#wake();
  }

  #observeLogTime(): void {
    this.#logTime.observe(this.#options.machine.timeMs ?? 0);
  }

  #compact(applied: LogIndex): void {
    const index = this.#core.compactionIndex({
      applied,
      entriesMax: this.#options.retainedEntriesMax ?? RETAINED_ENTRIES_DEFAULT,
      bytesMax: this.#options.retainedBytesMax ?? RETAINED_BYTES_DEFAULT,
    });
    const compacted = this.#persister.compact(index, (i) => this.#core.entryTerm(i));
    if (compacted === undefined) return;
    this.#core.compact(compacted.index);
    compacted.done.catch((error) => this.#fail(error));
  }

  #onStaged(staged: StagedSnapshot): void {
    if (this.#stopped) return;
    this.#staged = staged;
    this.#core.step(staged.message);
    this.#takeRounds();
    // The core had no use for it after all: its leader is out of date, or the log has caught up.
    if (this.#staged !== undefined) {
      this.#staged = undefined;
      this.#receiver.discard(staged);
    }
    this.#wake();
  }

  #sendPromises({ messagesAfterPersist }: Ready): void {
    if (messagesAfterPersist.length === 0) return;
    passAtOnce("raft/beforePromises", this.#options.identity);
    this.#send(messagesAfterPersist);
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    this.#transmit(messages.filter((message) => message.type !== "snapshot"));
    for (const message of messages) {
      if (message.type === "snapshot") void this.#offerSnapshot(message);
    }
  }

  #transmit(messages: readonly Message[]): void {
    const { observer } = this.#options;
    if (observer?.messageLeft !== undefined) {
      for (const message of messages) observer.messageLeft(message);
    }
    this.#transport.send(messages);
  }

  /** The core names what it wants to send; what is sent is a view opened now, never older. */
  async #offerSnapshot(message: InstallSnapshot): Promise<void> {
    try {
      const snapshot = await this.#source.open(message.to, this.#generation.number);
      await pass("raft/beforeOffer", this.#options.identity);
      this.#transmit([{ ...message, snapshot }]);
    } catch (error) {
      if (!(error instanceof KvError)) return this.#fail(error);
      this.#core.reportSnapshot(message.to, false);
      this.#wake();
    }
  }

  #onSoftState(soft: SoftState): void {
    const previous = this.#soft;
    this.#soft = soft;
    if (previous.role === "leader" && (soft.role !== "leader" || soft.term !== previous.term)) {
      this.#proposals.failWaiting(lost(this.#leaderAddress()));
      this.#proposals.failQueued(this.#notLeader());
      this.#barriers.failQueued(this.#notLeader());
    }
    if (soft.role !== previous.role || soft.leader !== previous.leader) {
      const leader = soft.leader === 0 ? "none" : soft.leader - 1;
      this.#options.logger.info("Changed role", { role: soft.role, term: soft.term, leader });
    }
    const status = this.status();
    for (const listener of this.#listeners) listener(status);
  }

  #leaderAddress(): string | undefined {
    return this.#options.members.get(this.#soft.leader);
  }

  #notLeader(): KvError {
    const leader = this.#soft.role === "leader" ? undefined : this.#leaderAddress();
    const where = leader === undefined ? "no leader is known" : `the leader is ${leader}`;
    return new KvError("NOT_LEADER", `This replica does not lead its group: ${where}`, { leader });
  }

  /** A storage error or a broken invariant: the node never limps on. */
  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#halt(new KvError("INTERNAL", "The node has failed", { cause: error }));
    this.#options.onFatal(error);
  }

  #halt(error: KvError): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#proposals.failAll(error);
    this.#barriers.failAll(error);
  }
}
