/** What a group's services and duties need of the Raft node; narrow, so that tests can stand in for it. */
import type { Result } from "../proto/gen/shardkv.ts";
import type { RaftNode } from "../raft/node/raft_node.ts";
import { KvError } from "../rpc/errors.ts";
import { invariant } from "../runtime/invariant.ts";
import type { GroupReply, StepOutcome } from "./machine/commands.ts";

export type GroupLog = Pick<
  RaftNode<GroupReply>,
  "propose" | "readBarrier" | "reader" | "status" | "onRoleChange"
>;

/**
 * Proposes a step of the configuration or of a shard.
 *
 * @throws {KvError} As {@linkcode RaftNode.propose}
 */
export async function proposeStep(log: GroupLog, payload: Uint8Array): Promise<StepOutcome> {
  const reply = await log.propose(payload);
  invariant(reply.kind === "step", "A step is answered with its outcome");
  return reply.outcome;
}

/**
 * Proposes a batch of writes.
 *
 * @param values How many of them read the value of their key
 * @throws {KvError} As {@linkcode RaftNode.propose}; INVALID_ARGUMENT if the batch makes no sense
 */
export async function proposeWrites(
  log: GroupLog,
  payload: Uint8Array,
  values: number,
): Promise<Result[]> {
  const reply = await log.propose(payload, "decided", values);
  if (reply.kind === "invalid") {
    throw new KvError("INVALID_ARGUMENT", `Cannot read the writes: ${reply.reason}`);
  }
  invariant(reply.kind === "writes", "Writes are answered with their results");
  return reply.results;
}
