/** What the services need of the Raft driver; tests put something simpler in its place. */
import type { RaftNode } from "../../raft/node/raft_node.ts";
import type { ControllerReply } from "../machine/machine_records.ts";

export type ControllerLog = Pick<
  RaftNode<ControllerReply>,
  "propose" | "readBarrier" | "reader" | "status"
>;
