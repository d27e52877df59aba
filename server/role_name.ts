/** What eRaft's `GetStatus` calls a node's role. */
import type { RaftNodeStatus } from "../raft/node/raft_node_options.ts";
import { unreachable } from "../runtime/invariant.ts";

/** eRaft has no pre-vote: who asks for one is a candidate there. */
export function roleName(role: RaftNodeStatus["role"]): "Leader" | "Follower" | "Candidate" {
  switch (role) {
    case "leader":
      return "Leader";
    case "follower":
      return "Follower";
    case "preCandidate":
    case "candidate":
      return "Candidate";
    default:
      return unreachable(role);
  }
}
