/** What a server of a group tells about itself, and what stands for one that does not answer. */
import {
  type GetStatusResponse,
  type MoveInfo,
  ShardKVServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import {
  type Config,
  type Gid,
  type GroupIdentity,
  isForeign,
  NO_IDENTITY,
  NO_STORE,
  type ShardId,
  type StoreId,
} from "../../shardctrler/configuration/config.ts";
import { offlineState, onlineState, type ServerState } from "./server_state.ts";

/** Time a server has to answer before it counts as offline, in milliseconds. */
const NODE_STATUS_TIMEOUT_MS = 2_000;

/** One shard as one server holds it. */
export interface ShardStatus {
  readonly shard: ShardId;
  /** Serving, Pulling, BePulling or GCing. */
  readonly status: string;
  readonly keys: number;
  readonly bytes: number;
}

/** One server of a group. Of an offline one only `gid`, `id`, `address` and `error` say anything. */
export interface NodeStatus extends ServerState {
  readonly gid: Gid;
  /** As the server was started with; for an offline one its place among the group's servers. */
  readonly id: number;
  readonly address: string;
  readonly shards: readonly ShardStatus[];
  /** Tells its group from others of the same number; NO_IDENTITY while it has none. */
  readonly identity: GroupIdentity;
  /** Of a leader: the shards on their way to its group. */
  readonly moves: readonly MoveInfo[];
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
      askNode(dialer, { gid, id, address }, config.storeId, signal)
    )
  );
  return await Promise.all(asked);
}

/** Whom to ask, and where. */
export interface NodePlace {
  readonly gid: Gid;
  readonly id: number;
  readonly address: string;
}

async function askNode(
  dialer: Dialer,
  place: NodePlace,
  storeId: StoreId,
  signal: AbortSignal | undefined,
): Promise<NodeStatus> {
  const options = { timeoutMs: NODE_STATUS_TIMEOUT_MS, signal };
  try {
    const response = await dialer.channel(place.address)
      .unary(ShardKVServiceService.getStatus, {}, options);
    return onlineNode(place, response, storeId);
  } catch (error) {
    return offlineNode(place, KvError.from(error));
  }
}

/**
 * What an answer says of the server that gave it. A server of another group or another store at
 * this address knows nothing of the group that is looked for, and must not be taken for its leader.
 *
 * @param storeId The group's store, if that is known
 * @throws {KvError} WRONG_GROUP
 */
export function onlineNode(
  place: NodePlace,
  response: GetStatusResponse,
  storeId: StoreId = NO_STORE,
): NodeStatus {
  const { gid } = response;
  const isOfStore = response.storeId === NO_STORE || !isForeign(storeId, response.storeId);
  // 0 is what a server says that does not know the field.
  if ((gid !== 0 && gid !== place.gid) || !isOfStore) {
    const store = isOfStore ? "" : ` of store ${response.storeId}`;
    throw new KvError(
      "WRONG_GROUP",
      `The server at ${place.address} belongs to group ${gid}${store}`,
    );
  }
  const shards = response.shards.map(({ shardId, status, keys, bytes }) => {
    return { shard: shardId, status, keys, bytes };
  });
  const { id, identity, moves } = response;
  return { ...place, id, ...onlineState(response), shards, identity, moves };
}

function offlineNode(place: NodePlace, error: KvError): NodeStatus {
  return { ...place, ...offlineState(error), shards: [], identity: NO_IDENTITY, moves: [] };
}
