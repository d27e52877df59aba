/** Our own service: changes with typed errors, queries, and the watch stream. */
import {
  type ChangeRequest,
  type ChangeResponse,
  ControllerCommand,
  ControllerServiceService,
  type QueryRequest,
  type QueryResponse,
  type WatchRequest,
  type WatchResponse,
} from "../../proto/gen/shardctrler.ts";
import { NONE } from "../../raft/types.ts";
import { KvError } from "../../rpc/errors.ts";
import { type ServerStream, type ServiceRoutes, stream, unary } from "../../rpc/service.ts";
import { abortable } from "../../runtime/abortable.ts";
import { ONE_READ, ONE_WRITE, type RequestMetrics } from "../../server/request_metrics.ts";
import { decodeChange } from "../configuration/change_codec.ts";
import { checkChange } from "../configuration/change.ts";
import { encodeConfig } from "../configuration/config_codec.ts";
import { type Config, NO_STORE } from "../configuration/config.ts";
import { readConfig } from "../machine/machine_store.ts";
import type { ConfigFeed } from "./config_feed.ts";
import type { ControllerLog } from "./controller_log.ts";
import { queryConfig } from "./query.ts";

/** Watch streams of one node: every server of every group and every client may hold one. */
const WATCHERS_MAX = 4_096;

export interface ControllerServiceOptions {
  readonly log: ControllerLog;
  readonly feed: ConfigFeed;
  readonly requests: RequestMetrics;
  /** Watch streams at a time. @default {WATCHERS_MAX} */
  readonly watchersMax?: number;
}

export class ControllerService {
  readonly #log: ControllerLog;
  readonly #feed: ConfigFeed;
  readonly #requests: RequestMetrics;
  readonly #watchersMax: number;
  readonly #closed = new AbortController();
  #watchers = 0;

  constructor(options: ControllerServiceOptions) {
    this.#log = options.log;
    this.#feed = options.feed;
    this.#requests = options.requests;
    this.#watchersMax = options.watchersMax ?? WATCHERS_MAX;
  }

  get routes(): ServiceRoutes {
    return [
      unary(ControllerServiceService.change, (request) => this.change(request)),
      unary(ControllerServiceService.query, (request) => this.query(request)),
      stream(ControllerServiceService.watch, (call) => this.#watch(call)),
    ];
  }

  /** Watch streams that are open. */
  get watchers(): number {
    return this.#watchers;
  }

  /** @throws {KvError} Of the log, or why the change is refused */
  change(request: ChangeRequest): Promise<ChangeResponse> {
    return this.#requests.watch(() => this.#change(request), 1, () => ONE_WRITE);
  }

  async #change(request: ChangeRequest): Promise<ChangeResponse> {
    const change = decodeChange(request.change);
    if (change === undefined) {
      throw new KvError(
        "INVALID_ARGUMENT",
        "Cannot change the configuration: the request carries no known change",
      );
    }
    // Nonsense is turned away here; what depends on the configuration is decided by the machine.
    const refusal = checkChange(change);
    if (refusal !== undefined) throw new KvError(refusal.code, refusal.message);
    const command = ControllerCommand.encode({
      initializeShards: 0,
      change: request,
      storeId: NO_STORE,
    }).finish();
    const reply = await this.#log.propose(command);
    if (reply.kind === "refused") throw new KvError(reply.refusal.code, reply.refusal.message);
    return { config: encodeConfig(await this.#configNumbered(reply.num)) };
  }

  /** @throws {KvError} As `queryConfig`; NOT_FOUND for a number that is still to come */
  query(request: QueryRequest): Promise<QueryResponse> {
    return this.#requests.watch(() => this.#query(request), 1, () => ONE_READ);
  }

  async #query({ num }: QueryRequest): Promise<QueryResponse> {
    const { config, exact } = await queryConfig(this.#log, this.#feed, num);
    if (exact) return { config: encodeConfig(config) };
    throw new KvError(
      "NOT_FOUND",
      `Cannot find configuration ${num}: the latest is ${config.num}`,
    );
  }

  /** Ends every watch, now and later. */
  close(): void {
    const error = new KvError("UNAVAILABLE", "Cannot watch: the node is stopping");
    this.#closed.abort(error);
    this.#feed.interrupt(error);
  }

  /**
   * Ends the watches that wait: a node without a leader may be cut off, and its
   * watchers are better served elsewhere.
   */
  onLeaderLost(): void {
    this.#feed.interrupt(leaderless());
  }

  async #watch(call: ServerStream<WatchRequest, WatchResponse>): Promise<void> {
    if (this.#watchers >= this.#watchersMax) {
      throw new KvError(
        "OVERLOADED",
        `Cannot watch: ${this.#watchersMax} watches are open on this node`,
      );
    }
    this.#watchers++;
    try {
      const requests = call.requests[Symbol.asyncIterator]();
      for (;;) {
        const request = await abortable(requests.next(), this.#closed.signal);
        if (request.done) return;
        const config = await this.#configToSend(request.value, call.signal);
        call.send({ config: encodeConfig(config) });
      }
    } finally {
      this.#watchers--;
    }
  }

  async #configToSend({ next, latest }: WatchRequest, signal: AbortSignal): Promise<Config> {
    if (next < 0) {
      throw new KvError("INVALID_ARGUMENT", `Cannot watch from ${next}: it must be 0 or more`);
    }
    const known = this.#feed.latest?.num ?? -1;
    if (known < next && this.#log.status().leader === NONE) throw leaderless();
    const newest = await this.#feed.waitFor(next, signal);
    return latest ? newest : await this.#configNumbered(next);
  }

  async #configNumbered(num: number): Promise<Config> {
    const { latest } = this.#feed;
    return latest?.num === num ? latest : await readConfig(this.#log.reader, num);
  }
}

function leaderless(): KvError {
  return new KvError("NOT_LEADER", "Cannot watch here: this node knows of no leader");
}
