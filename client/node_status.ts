/** What a server of a group says of itself, and what stands for one that says nothing. */
import { type GetStatusResponse, ShardKVServiceService } from "../proto/gen/shardkv.ts";
import { KvError } from "../rpc/errors.ts";
import type { Dialer } from "../rpc/service.ts";
import type { Config, Gid, ShardId } from "../shardctrler/config.ts";
import type { NodeRole } from "./controller_status.ts";

/** Time a server has to answer before it counts as offline, in milliseconds. */
export const nodeStatusTimeoutMs = 2_000;

/** One shard as one server holds it. */
export interface ShardStatus {
  readonly shard: ShardId;
  /** Serving, Pulling, BePulling or GCing. */
  readonly status: string;
  readonly keys: number;
  readonly bytes: number;
}

/** One server of a group. Of an offline one only `gid`, `id`, `address` and `error` say anything. */
export interface NodeStatus {
  readonly gid: Gid;
  /** Position in the group, from 0. */
  readonly id: number;
  readonly address: string;
  readonly role: NodeRole;
  readonly term: number;
  readonly applied: number;
  readonly commit: number;
  readonly storageBytes: number;
  readonly shards: readonly ShardStatus[];
  /** Undefined if the server knows of no leader. */
  readonly leaderAddress: string | undefined;
  readonly configNum: number;
  readonly logFirstIndex: number;
  readonly logLastIndex: number;
  readonly version: string;
  /** Why the server counts as offline. */
  readonly error: KvError | undefined;
}

/** Asks every server of every group at once; sorted by group, then by position. Never fails. */
export async function groupStatus(
  config: Config,
  dialer: Dialer,
  signal?: AbortSignal,
): Promise<NodeStatus[]> {
  const gids = [...config.groups.keys()].sort((a, b) => a - b);
  const asked = gids.flatMap((gid) =>
    (config.groups.get(gid) ?? []).map((address, id) =>
      askNode(dialer, { gid, id, address }, signal)
    )
  );
  return await Promise.all(asked);
}

interface NodePlace {
  readonly gid: Gid;
  readonly id: number;
  readonly address: string;
}

async function askNode(
  dialer: Dialer,
  place: NodePlace,
  signal: AbortSignal | undefined,
): Promise<NodeStatus> {
  const options = { timeoutMs: nodeStatusTimeoutMs, signal };
  try {
    const response = await dialer.channel(place.address)
      .unary(ShardKVServiceService.getStatus, {}, options);
    return onlineNode(place, response);
  } catch (error) {
    return offlineNode(place, KvError.from(error));
  }
}

function onlineNode(place: NodePlace, response: GetStatusResponse): NodeStatus {
  return {
    ...place,
    role: roleOf(response.state),
    term: response.term,
    applied: response.lastApplied,
    commit: response.commitIndex,
    storageBytes: response.storageSize,
    shards: response.shards.map(({ shardId, status, keys, bytes }) => {
      return { shard: shardId, status, keys, bytes };
    }),
    leaderAddress: response.leaderAddress === "" ? undefined : response.leaderAddress,
    configNum: response.configNum,
    logFirstIndex: response.logFirstIndex,
    logLastIndex: response.logLastIndex,
    version: response.version,
    error: undefined,
  };
}

function offlineNode(place: NodePlace, error: KvError): NodeStatus {
  return {
    ...place,
    role: "Offline",
    term: 0,
    applied: 0,
    commit: 0,
    storageBytes: 0,
    shards: [],
    leaderAddress: undefined,
    configNum: 0,
    logFirstIndex: 0,
    logLastIndex: 0,
    version: "",
    error,
  };
}

function roleOf(state: string): NodeRole {
  return state === "Leader" || state === "Candidate" ? state : "Follower";
}
