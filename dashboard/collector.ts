/**
 * Looks at a whole cluster, found from the controllers' addresses alone, and
 * makes a new state of it whenever something was seen. Two rhythms: every
 * server's status each second, so that a failure shows soon, and everybody's
 * figures each update interval. Configurations come by themselves.
 */
import { CtrlerClerk } from "../client/ctrler_clerk.ts";
import { MemberClerk } from "../client/member_clerk.ts";
import { onlineStatus } from "../client/status/controller_status.ts";
import { onlineNode } from "../client/status/node_status.ts";
import { NodeServiceService } from "../proto/gen/node.ts";
import { ShardCtrlerServiceService } from "../proto/gen/shardctrler.ts";
import { ShardKVServiceService } from "../proto/gen/shardkv.ts";
import { KvError } from "../rpc/errors.ts";
import type { Dialer } from "../rpc/service.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Prng } from "../runtime/prng.ts";
import { type Config, CONTROLLERS_GID, isForeign } from "../shardctrler/configuration/config.ts";
import type { ClusterState, History } from "./api.ts";
import { GroupDirectory } from "./group_directory.ts";
import { NodeDirectory } from "./node_directory.ts";
import { buildState } from "./state/cluster_state.ts";
import { groupReports } from "./state/group_report.ts";
import { SampleHistory } from "./state/history.ts";
import { MoveTracker } from "./state/move_tracker.ts";
import { byGroup, leaderOf, type NodeAnswer } from "./state/observation.ts";
import type { TrackedNode } from "./tracked_node.ts";

/** Milliseconds between two looks at everybody's status. */
export const STATUS_MS = 1_000;
/** Milliseconds a server has to answer: less than the rhythm, so that looks do not pile up. */
const ANSWER_MS_MAX = 900;
/** Part of a shorter rhythm that a server has. */
const ANSWER_SHARE = 0.9;
/** Milliseconds before the controllers are asked again for a configuration that nobody gave. */
const CONFIG_RETRY_MS = 500;

export interface CollectorOptions {
  /** Addresses of the controllers. */
  readonly controllers: readonly string[];
  /** Stays the caller's. */
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Milliseconds between two looks at the figures. */
  readonly updateIntervalMs: number;
  /** Told of every new state. */
  readonly onState?: (state: ClusterState) => void;
}

export class Collector {
  readonly #options: CollectorOptions;
  readonly #clerk: CtrlerClerk;
  readonly #nodes: NodeDirectory;
  readonly #groups = new GroupDirectory();
  readonly #history = new SampleHistory();
  readonly #stopped = new AbortController();
  #moves = new MoveTracker();
  #state: ClusterState | undefined;
  /** Ends the pause between two looks. */
  #nap = new AbortController();
  /** Ends the watch of the configurations, which then begins anew. */
  #watch = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: CollectorOptions) {
    const { dialer } = options;
    this.#options = options;
    this.#clerk = new CtrlerClerk(options);
    this.#nodes = new NodeDirectory({ onForgotten: (address) => dialer.forget(address) });
    this.#list();
  }

  /** Undefined before the first look. */
  get state(): ClusterState | undefined {
    return this.#state;
  }

  /** The latest configuration; undefined while none is known. */
  get config(): Config | undefined {
    return this.#groups.config;
  }

  get history(): History {
    return this.#history.view;
  }

  start(): void {
    this.#running = Promise.all([
      this.#followConfigs(),
      this.#repeat(this.#statusMs, () => this.#lookAtStatus()),
      this.#lookAtFiguresForEver(),
    ]);
  }

  /** Resolves once nothing is under way any more; rejects with what went wrong, if anything has. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#watch.abort();
    this.#nap.abort();
    this.#clerk.close();
    await this.#running;
  }

  /** Looks at once instead of when it is time: something has been changed. */
  wake(): void {
    this.#nap.abort();
  }

  get #statusMs(): number {
    return Math.min(STATUS_MS, this.#options.updateIntervalMs);
  }

  get #answerMs(): number {
    return Math.min(ANSWER_MS_MAX, this.#statusMs * ANSWER_SHARE);
  }

  /** Counts from one beginning to the next, so that answers that take their time delay nothing. */
  async #repeat(everyMs: number, look: () => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stopped.signal.aborted) {
      const startedAt = clock.now();
      this.#nap = new AbortController();
      await look();
      if (this.#stopped.signal.aborted) return;
      const restMs = Math.max(0, everyMs - (clock.now() - startedAt));
      await sleep(clock, restMs, this.#nap.signal).catch(() => {});
    }
  }

  async #lookAtStatus(): Promise<void> {
    await Promise.all(this.#nodes.nodes.map((node) => this.#ask(node)));
    this.#publish();
  }

  async #ask(node: TrackedNode): Promise<void> {
    const { clock } = this.#options;
    try {
      const answer = await this.#statusOf(node);
      node.answered(answer, clock.wallTime());
    } catch (error) {
      node.failed(KvError.from(error));
    }
  }

  async #statusOf({ seat: { gid, address, position } }: TrackedNode): Promise<NodeAnswer> {
    const channel = this.#options.dialer.channel(address);
    const call = { timeoutMs: this.#answerMs, signal: this.#stopped.signal };
    if (gid === CONTROLLERS_GID) {
      const answer = await channel.unary(ShardCtrlerServiceService.getStatus, {}, call);
      return { ...onlineStatus(address, answer), shards: [], moves: [] };
    }
    const answer = await channel.unary(ShardKVServiceService.getStatus, {}, call);
    return { ...onlineNode({ gid, id: position, address }, answer), moves: answer.moves };
  }

  /** Figures need two looks: the second comes soon, the others in their rhythm. */
  async #lookAtFiguresForEver(): Promise<void> {
    const { clock, updateIntervalMs } = this.#options;
    const { signal } = this.#stopped;
    for (let looks = 0; !signal.aborted; looks++) {
      await sleep(clock, looks < 2 ? this.#statusMs : updateIntervalMs, signal).catch(() => {});
      if (!signal.aborted) await this.#lookAtFigures();
    }
  }

  async #lookAtFigures(): Promise<void> {
    const up = this.#nodes.nodes.filter(({ isUp }) => isUp);
    await Promise.all([
      ...up.map((node) => this.#measure(node)),
      ...this.#leaders().map(({ gid, address }) => this.#askForMembers(gid, address)),
      this.#checkConfig(),
    ]);
    this.#publish();
    if (this.#state !== undefined) this.#history.add(this.#state);
  }

  /** A server that tells no figures, as one of an older version, is shown without them. */
  async #measure(node: TrackedNode): Promise<void> {
    const call = { timeoutMs: this.#answerMs, signal: this.#stopped.signal };
    const channel = this.#options.dialer.channel(node.seat.address);
    const counts = await attempt(channel.unary(NodeServiceService.getMetrics, {}, call));
    if (counts !== undefined) node.measured(counts);
  }

  #leaders(): { readonly gid: number; readonly address: string }[] {
    return [...byGroup(this.#nodes.observe()).values()].flatMap((nodes) => leaderOf(nodes) ?? []);
  }

  async #askForMembers(gid: number, address: string): Promise<void> {
    const clerk = new MemberClerk({
      ...this.#options,
      servers: [address],
      timeoutMs: this.#answerMs,
    });
    const members = await attempt(clerk.list());
    if (members !== undefined) this.#nodes.takeMembers(gid, members);
  }

  /** Another store may have taken the addresses over: its configurations begin anew. */
  async #checkConfig(): Promise<void> {
    const { config } = this;
    if (config === undefined) return;
    const latest = await attempt(this.#clerk.query(-1, { timeoutMs: this.#answerMs }));
    if (latest === undefined) return;
    if (latest.num >= config.num && !isForeign(config.storeId, latest.storeId)) return;
    this.#options.logger.warn("The controllers hold another store now", { num: latest.num });
    this.#groups.clear();
    this.#moves = new MoveTracker();
    this.#watch.abort();
  }

  async #followConfigs(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#watch = new AbortController();
      const { signal } = this.#watch;
      const num = await this.#firstConfig(signal);
      if (num === undefined) continue;
      for await (const config of this.#clerk.watch({ from: num + 1, signal })) {
        this.#takeConfig(config);
      }
    }
  }

  /** @returns Its number; undefined if nobody gave one */
  async #firstConfig(signal: AbortSignal): Promise<number | undefined> {
    const { clock, updateIntervalMs } = this.#options;
    const call = { timeoutMs: Math.max(STATUS_MS, updateIntervalMs), signal };
    const latest = await attempt(this.#clerk.query(-1, call));
    if (latest === undefined) {
      await sleep(clock, CONFIG_RETRY_MS, signal).catch(() => {});
      return undefined;
    }
    // The one before says where shards come from that are on their way now.
    const previous = await attempt(this.#clerk.query(Math.max(0, latest.num - 1), call));
    if (previous !== undefined) this.#takeConfig(previous);
    this.#takeConfig(latest);
    return latest.num;
  }

  #takeConfig(config: Config): void {
    const previous = this.#groups.config;
    this.#groups.take(config);
    if (previous !== undefined) {
      this.#moves.onConfig(previous, config, this.#options.clock.wallTime());
    }
    this.#list();
    this.#publish();
    this.wake();
  }

  #list(): void {
    const { controllers } = this.#options;
    this.#nodes.list([
      ...controllers.map((address, position) => ({ gid: CONTROLLERS_GID, address, position })),
      ...this.#groups.seats,
    ]);
  }

  #publish(): void {
    // Servers that are new are about to be asked: until then they would look as if they were down.
    if (this.#nodes.nodes.some(({ wasAsked }) => !wasAsked)) return;
    const { clock, updateIntervalMs: intervalMs, onState } = this.#options;
    const at = clock.wallTime();
    const nodes = this.#nodes.observe();
    const reports = groupReports(nodes);
    if (this.#groups.release(nodes, reports, at)) this.#list();
    this.#moves.observe(reports, this.#groups.gids, at);
    const { views: moves } = this.#moves;
    const stalled = this.#moves.stalled(at);
    const { config } = this;
    const observation = { config, nodes, moves, stalled, at, intervalMs };
    this.#state = buildState(observation, this.#state);
    onState?.(this.#state);
  }
}

/** Undefined if it came to nothing, which then shows otherwise. */
async function attempt<Value>(call: Promise<Value>): Promise<Value | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof KvError) return undefined;
    throw error;
  }
}
