/**
 * One controller, put together from its ports: no sockets, no processes, so
 * that tests and the simulator run what servers run.
 */
import type { GetStatusResponse } from "../proto/gen/shardctrler.ts";
import { ControllerCommand } from "../proto/gen/shardctrler.ts";
import { MemberService } from "../raft/node/members/member_service.ts";
import type { RaftNodeStatus } from "../raft/node/raft_node_options.ts";
import type { RaftNode } from "../raft/node/raft_node.ts";
import { NONE } from "../raft/types.ts";
import { KvError } from "../rpc/errors.ts";
import type { ServiceRoutes } from "../rpc/service.ts";
import { sleep } from "../runtime/clock.ts";
import { noProcess } from "../runtime/host_process.ts";
import { randomId } from "../runtime/prng.ts";
import { NodeService } from "../server/node_service.ts";
import { openRaftNode, type ReplicaOptions } from "../server/replica_options.ts";
import { RequestMetrics } from "../server/request_metrics.ts";
import { roleName } from "../server/role_name.ts";
import { type Config, CONTROLLERS_GID, SHARDS_DEFAULT } from "./configuration/config.ts";
import type { ControllerReply } from "./machine/machine_records.ts";
import { ControllerMachine } from "./machine/machine.ts";
import { ClassicService } from "./service/classic_service.ts";
import { ConfigFeed } from "./service/config_feed.ts";
import { ControllerService } from "./service/controller_service.ts";

/** Milliseconds before a leader tries again to give a new cluster its shards. */
const INITIALIZE_RETRY_MS = 100;

export interface ControllerOptions extends ReplicaOptions {
  /**
   * Shards of a new cluster; a cluster that has another number is refused
   * through `onFatal`. Undefined: whatever it has, {@linkcode SHARDS_DEFAULT} for a new one.
   */
  readonly shards?: number | undefined;
}

/** The cluster was made with another number of shards than this node was told. */
export class ShardCountError extends Error {
  override readonly name = "ShardCountError";
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #raft: RaftNode<ControllerReply>;
  readonly #feed: ConfigFeed;
  readonly #controllerService: ControllerService;
  readonly #classicService: ClassicService;
  readonly #nodeService: NodeService;
  readonly #stopped = new AbortController();
  #initializing = false;
  #stopping: Promise<void> | undefined;

  /**
   * Loads the node from its engine, or begins a new one, and starts it.
   *
   * @throws {IdentityError} When the engine or the group to join belongs to somebody else
   * @throws {EngineError} When the engine cannot be read
   * @throws {KvError} UNAVAILABLE when no server of the group to join answers
   */
  static async open(options: ControllerOptions): Promise<Controller> {
    const feed = new ConfigFeed();
    const onConfig = (config: Config) => {
      feed.publish(config);
      const problem = shardCountProblem(config, options.shards);
      if (problem !== undefined) options.onFatal(problem);
    };
    const machine = new ControllerMachine({ onConfig });
    const raft = await openRaftNode(options, CONTROLLERS_GID, machine);
    return new Controller(options, raft, feed);
  }

  private constructor(
    options: ControllerOptions,
    raft: RaftNode<ControllerReply>,
    feed: ConfigFeed,
  ) {
    this.#options = options;
    this.#raft = raft;
    this.#feed = feed;
    const requests = new RequestMetrics(options.clock);
    const { clock, host = noProcess } = options;
    this.#nodeService = new NodeService({ raft, requests, clock, host });
    this.#controllerService = new ControllerService({ log: raft, feed, requests });
    this.#classicService = new ClassicService({
      log: raft,
      feed,
      controller: this.#controllerService,
      requests,
      dialer: options.dialer,
      forward: options.forward ?? true,
      status: () => this.status(),
    });
    raft.onRoleChange((status) => this.#onRoleChange(status));
    this.#onRoleChange(raft.status());
  }

  /** Everything this node answers: clients, groups and the other controllers. */
  get routes(): ServiceRoutes {
    return [
      ...this.#classicService.routes,
      ...this.#controllerService.routes,
      ...this.#nodeService.routes,
      ...new MemberService(this.#raft).routes,
      ...this.#raft.routes,
    ];
  }

  /** The controller's Raft node, for those who steer or watch it from inside the process. */
  get raft(): RaftNode<ControllerReply> {
    return this.#raft;
  }

  status(): GetStatusResponse {
    const { position, engine, version } = this.#options;
    const status = this.#raft.status();
    return {
      id: position,
      state: roleName(status.role),
      term: status.term,
      lastApplied: status.applied,
      commitIndex: status.commit,
      storageSize: engine.stats().storageBytes,
      address: this.#raft.address,
      leaderAddress: status.leaderAddress ?? "",
      configNum: this.#feed.latest?.num ?? 0,
      logFirstIndex: status.firstIndex,
      logLastIndex: status.lastIndex,
      version: version ?? "",
    };
  }

  /** Ends watches and calls under way; the engine and the dialer stay open. Safe to call again. */
  stop(): Promise<void> {
    this.#stopped.abort();
    this.#controllerService.close();
    return this.#stopping ??= this.#raft.stop();
  }

  #onRoleChange({ role, leader }: RaftNodeStatus): void {
    if (leader === NONE) this.#controllerService.onLeaderLost();
    if (role === "leader" && !this.#initializing) {
      this.#initializing = true;
      this.#initialize()
        .catch((error) => this.#options.onFatal(error))
        .finally(() => this.#initializing = false);
    }
  }

  /** Gives a new cluster its shards and its store id, once a leader is sure that it has none. */
  async #initialize(): Promise<void> {
    const { clock, prng, shards = SHARDS_DEFAULT } = this.#options;
    const { signal } = this.#stopped;
    const command = ControllerCommand.encode({
      initializeShards: shards,
      change: undefined,
      storeId: randomId(prng),
    });
    while (this.#raft.status().role === "leader" && !signal.aborted) {
      try {
        await this.#raft.readBarrier();
        // Two leaders may both get here: the machine takes the first command only.
        if (this.#feed.latest === undefined) await this.#raft.propose(command.finish());
        return;
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        await sleep(clock, INITIALIZE_RETRY_MS, signal).catch(() => {});
      }
    }
  }
}

function shardCountProblem(config: Config, wanted: number | undefined): Error | undefined {
  const count = config.shards.length;
  if (wanted === undefined || wanted === count) return undefined;
  return new ShardCountError(
    `Cannot use '-shards' ${wanted}: the cluster was made with ${count} shards for good`,
  );
}
