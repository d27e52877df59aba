/** What a controller and a replica of a shard group are told alike, and the Raft node this makes. */
import type { StateMachine } from "../raft/node/apply/state_machine.ts";
import { deriveClusterId } from "../raft/node/members/identity.ts";
import type { RaftNodeOptions } from "../raft/node/raft_node_options.ts";
import { RaftNode } from "../raft/node/raft_node.ts";
import type { HostProcess } from "../runtime/host_process.ts";

export interface ReplicaOptions
  extends Omit<RaftNodeOptions, "identity" | "members" | "join" | "machine"> {
  /** Place in `members`, from 0. */
  readonly position: number;
  /** Address of every first member of the Raft group, in the same order everywhere. */
  readonly members: readonly string[];
  /**
   * For a server that was added to a Raft group that exists: where it is, as it
   * was added. `members` are then any servers of that group.
   */
  readonly join?: string | undefined;
  /** Tells clusters on the same addresses apart. */
  readonly clusterToken: string;
  /** Pass eRaft's commands on to the server that can answer them. @default {true} */
  readonly forward?: boolean;
  /** Told in the status. @default {""} */
  readonly version?: string;
  /** Told in the metrics. @default {noProcess} */
  readonly host?: HostProcess;
}

/**
 * Opens the Raft node of a replica.
 *
 * @param gid The group; the controllers are one, too
 * @throws {IdentityError} When the engine or the group to join belongs to somebody else
 * @throws {EngineError} When the engine cannot be read
 * @throws {KvError} UNAVAILABLE when no server of the group to join answers
 */
export function openRaftNode<Reply>(
  options: ReplicaOptions,
  gid: number,
  machine: StateMachine<Reply>,
): Promise<RaftNode<Reply>> {
  const { position, members, clusterToken, join } = options;
  return RaftNode.open({
    ...options,
    identity: {
      clusterId: deriveClusterId(clusterToken, gid, members),
      gid,
      nodeId: position + 1,
    },
    members: new Map(members.map((address, i) => [i + 1, address])),
    join: join === undefined ? undefined : { address: join, servers: members },
    machine,
  });
}
