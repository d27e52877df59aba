/**
 * One replica of a shard group, put together from its ports: no sockets, no
 * processes, so that tests and the simulator run what servers run.
 */
import { CtrlerClerk } from "../client/ctrler_clerk.ts";
import type { GetStatusResponse } from "../proto/gen/shardkv.ts";
import { MemberService } from "../raft/node/members/member_service.ts";
import type { RaftNode } from "../raft/node/raft_node.ts";
import type { Dialer, ServiceRoutes } from "../rpc/service.ts";
import { noProcess } from "../runtime/host_process.ts";
import { NodeService } from "../server/node_service.ts";
import { openRaftNode, type ReplicaOptions } from "../server/replica_options.ts";
import { RequestMetrics } from "../server/request_metrics.ts";
import { GID_MAX, isGid } from "../shardctrler/configuration/config_check.ts";
import type { Gid } from "../shardctrler/configuration/config.ts";
import { DEFAULT_GROUP_LIMITS, type GroupLimits, validateGroupLimits } from "./limits.ts";
import type { GroupReply } from "./machine/commands.ts";
import { ShardMachine } from "./machine/machine.ts";
import { Arrivals } from "./migration/arrivals.ts";
import { GarbageSweeper } from "./migration/garbage_sweeper.ts";
import { Migrator } from "./migration/migrator.ts";
import { ServerList } from "./server_list.ts";
import { groupRoutes } from "./service/service.ts";
import { groupStatus, type StatusSources } from "./service/status.ts";

export interface GroupReplicaOptions extends ReplicaOptions {
  /** The group, 1 or higher. */
  readonly gid: Gid;
  /** Addresses of the controllers. */
  readonly controllers: readonly string[];
  readonly limits?: Partial<GroupLimits>;
  /**
   * What eRaft's commands are passed on by: a caller's large answers had better not share a
   * connection with Raft. @default {dialer}
   */
  readonly forwardDialer?: Dialer;
}

interface Parts {
  readonly raft: RaftNode<GroupReply>;
  readonly machine: ShardMachine;
  readonly clerk: CtrlerClerk;
  readonly migrator: Migrator;
  readonly sweeper: GarbageSweeper;
  readonly serverList: ServerList;
  readonly sources: StatusSources;
}

export class GroupReplica {
  readonly #parts: Parts;
  /** Everything this replica answers: clients, other groups and its peers. */
  readonly routes: ServiceRoutes;

  /**
   * Loads the replica from its engine, or begins a new one, and starts it.
   *
   * @throws {RangeError} When the gid or a limit is out of its range
   * @throws {IdentityError} When the engine or the group to join belongs to somebody else
   * @throws {EngineError} When the engine cannot be read
   * @throws {KvError} UNAVAILABLE when no server of the group to join answers
   */
  static async open(options: GroupReplicaOptions): Promise<GroupReplica> {
    const { gid } = options;
    assertGid(gid);
    const limits: GroupLimits = { ...DEFAULT_GROUP_LIMITS, ...options.limits };
    validateGroupLimits(limits);
    const machine = new ShardMachine(gid);
    const raft = await openRaftNode(options, gid, machine);
    return new GroupReplica(options, limits, machine, raft);
  }

  private constructor(
    options: GroupReplicaOptions,
    limits: GroupLimits,
    machine: ShardMachine,
    raft: RaftNode<GroupReply>,
  ) {
    const { position, version = "", forward = true, controllers, onFatal } = options;
    const { forwardDialer = options.dialer } = options;
    const clerk = new CtrlerClerk({ ...options, controllers });
    const arrivals = new Arrivals(options.clock);
    const moving = { ...options, limits, log: raft, machine, arrivals };
    const migrator = new Migrator({ ...moving, controllers: clerk });
    const sweeper = new GarbageSweeper({ machine, reader: raft.reader, onFatal });
    const serverList = new ServerList({ ...options, raft, machine, controllers: clerk });
    const { address } = raft;
    const moves = () => migrator.moves();
    const sources = { ...options, log: raft, machine, id: position, address, version, moves };
    const requests = new RequestMetrics(options.clock);
    const host = options.host ?? noProcess;
    const shards = () => machine.operationCounts();
    this.#parts = { raft, machine, clerk, migrator, sweeper, serverList, sources };
    this.routes = [
      ...groupRoutes({ ...sources, dialer: forwardDialer, limits, forward, requests, arrivals }),
      ...new NodeService({ ...options, raft, requests, shards, host }).routes,
      ...new MemberService(raft).routes,
      ...raft.routes,
    ];
    machine.onOwnership(() => {
      migrator.wake();
      sweeper.wake();
      serverList.wake();
    });
    migrator.start();
    serverList.start();
    sweeper.wake();
  }

  /** The replica's Raft node, for those who steer or watch it from inside the process. */
  get raft(): RaftNode<GroupReply> {
    return this.#parts.raft;
  }

  status(): GetStatusResponse {
    return groupStatus(this.#parts.sources);
  }

  /** Ends what is under way; the engine and the dialer stay open. */
  async stop(): Promise<void> {
    const { raft, clerk, migrator, sweeper, serverList } = this.#parts;
    // The migrator gives up first, but what it has proposed ends only with the log.
    const migrating = migrator.stop();
    await raft.stop();
    await Promise.all([migrating, sweeper.stop(), serverList.stop()]);
    clerk.close();
  }
}

function assertGid(gid: Gid): void {
  if (isGid(gid)) return;
  throw new RangeError(`Cannot run group ${gid}: a group needs '-gid' 1 to ${GID_MAX}`);
}
