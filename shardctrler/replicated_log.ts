/** What the services need of the Raft driver; tests put something simpler in its place. */
import type { RaftNode } from "../raft/node/raft_node.ts";

export type ReplicatedLog = Pick<RaftNode, "propose" | "readBarrier" | "reader" | "status">;
