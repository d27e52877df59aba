/** A replica's status, as eRaft's GetStatus tells it and more. */
import type { GetStatusResponse, MoveInfo } from "../../proto/gen/shardkv.ts";
import { roleName } from "../../server/role_name.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import type { Engine } from "../../storage/engine.ts";
import type { GroupLog } from "../group_log.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { statusName } from "../machine/shard_status.ts";

export interface StatusSources {
  readonly log: GroupLog;
  readonly machine: ShardMachine;
  readonly engine: Engine;
  readonly gid: Gid;
  /** Position of the replica in its group, 0 or more. */
  readonly id: number;
  /** Where peers and clients reach the replica. */
  readonly address: string;
  readonly version: string;
  /** The shards on their way to the group, as its leader sees them. */
  readonly moves: () => MoveInfo[];
}

export function groupStatus(sources: StatusSources): GetStatusResponse {
  const { log, machine, engine, gid, id, address, version } = sources;
  const raft = log.status();
  const { identity, config: { num: configNum, storeId } } = machine.ownership;
  return {
    id,
    state: roleName(raft.role),
    term: raft.term,
    lastApplied: raft.applied,
    commitIndex: raft.commit,
    storageSize: engine.stats().storageBytes,
    address,
    gid,
    shards: machine.figures().map(({ shard, status, keys, bytes }) => ({
      shardId: shard,
      status: statusName(status),
      keys,
      bytes,
    })),
    leaderAddress: raft.leaderAddress ?? "",
    configNum,
    logFirstIndex: raft.firstIndex,
    logLastIndex: raft.lastIndex,
    version,
    moves: sources.moves(),
    storeId,
    identity,
  };
}
