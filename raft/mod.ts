/**
 * The Raft consensus algorithm as a pure function of its inputs: no I/O, no
 * clock, no randomness but the injected generator. Nothing here may import
 * anything but this folder and `runtime/{invariant,prng}.ts`.
 *
 * ```ts ignore
 * const node = new RawNode(options);
 * node.propose(payload);
 * while (node.hasReady()) {
 *   const ready = node.ready();
 *   send(ready.messages);
 *   await save(ready.snapshot, ready.entries, ready.hardState);
 *   node.persisted(ready);
 *   send(ready.messagesAfterPersist);
 *   for (const entry of ready.committedEntries) apply(entry);
 *   if (ready.committedEntries.length > 0) node.applied(lastAppliedIndex);
 * }
 * ```
 *
 * @module
 */
export * from "./membership/conf_change.ts";
export * from "./config.ts";
export * from "./describe.ts";
export { isJoint } from "./membership/membership.ts";
export * from "./log/lost_entries_error.ts";
export * from "./message.ts";
export * from "./proposal_error.ts";
export * from "./raw_node.ts";
export type { LogPosition } from "./log/entry_window.ts";
export type { ProgressState } from "./replication/progress.ts";
export { majoritySize } from "./membership/quorum.ts";
export type { RetentionOptions } from "./log/raft_log.ts";
export * from "./ready.ts";
export type { ProgressStatus, RawNodeStatus } from "./status.ts";
export * from "./types.ts";
