/**
 * Where in the driver a test may step in: to crash there, to wait, to count
 * (runtime/failpoint.ts). A hook gets the node's identity, to choose one node.
 */
import { failpoint } from "../../runtime/failpoint.ts";
import { invariant } from "../../runtime/invariant.ts";
import type { NodeIdentity } from "./members/identity.ts";

/** Every failpoint of the driver, and what has happened and not happened there. */
export const RAFT_FAILPOINTS = {
  "raft/afterClaim": "At boot: the engine is this node's, nothing else was looked at",
  "raft/afterLoad": "At boot: everything is read, leftovers of snapshots are not cleared",
  "raft/beforeSend": "Messages that need nothing durable are about to leave",
  "raft/beforeSave": "Entries and hard state of some rounds are about to be written",
  "raft/afterSave": "They are durable, the core and the peers do not know it",
  "raft/beforePromises": "The core knows it, the votes and acknowledgements have not left",
  "raft/beforeConfChange": "A change of members is committed, the old members are in force",
  "raft/afterConfChange": "The new members are in force, the batch with the change is not written",
  "raft/beforeApply": "A batch is applied in memory, its writes have not reached the engine",
  "raft/afterApply": "A batch and its applied index are in the engine, nobody was told",
  "raft/beforeCompact": "Old log records are about to be dropped",
  "raft/afterCompact": "Old log records were dropped",
  "raft/beforeOffer": "A snapshot's view is open, the follower has not been told",
  "raft/beforeChunk": "A chunk is read, the follower has not got it",
  "raft/beforeStage": "A snapshot was offered, nothing of it was pulled",
  "raft/afterChunk": "A chunk is staged, more may come",
  "raft/afterStage": "A snapshot is staged completely, the core does not know it",
  "raft/beforeInstall": "The write that makes a staged snapshot the live state is about to start",
  "raft/afterInstall": "It is durable, the machine still shows the old state",
  "raft/beforeClear": "The machine shows the new state, the old one is still stored",
  "raft/afterClear": "The old state is cleared",
} as const;

export type RaftFailpoint = keyof typeof RAFT_FAILPOINTS;

/** Passes a failpoint. To be awaited if there is something to await: a hot path must not wait for nothing. */
export function pass(name: RaftFailpoint, node: NodeIdentity): Promise<void> | undefined {
  return failpoint(name, node);
}

/** Passes a failpoint where the driver cannot wait: a hook may throw, and may not be asynchronous. */
export function passAtOnce(name: RaftFailpoint, node: NodeIdentity): void {
  const pending = failpoint(name, node);
  invariant(pending === undefined, () => `Failpoint ${name} does not wait for its hook`);
}
