/** Bugs in what is on disk when: the log, the applied state, snapshots. */
import type { Mutant } from "./mutant.ts";

export const storageMutants: readonly Mutant[] = [
  {
    name: "save-without-sync",
    breaks: "The log is acknowledged before it is synced to disk.",
    file: "raft/node/persister.ts",
    find: "await engine.write(writes, { sync: true });",
    replace: "await engine.write(writes, { sync: false });",
  },
  {
    name: "applied-before-data",
    breaks: "The applied index is written before what was applied, not with it.",
    file: "raft/node/applier.ts",
    find: "await engine.write([...view.takeWrites(generation.prefix), record], { sync });",
    replace: `const first = engine.write([record], { sync });
    const rest = engine.write(view.takeWrites(generation.prefix), { sync });
    await Promise.all([first, rest]);`,
  },
  {
    name: "data-before-applied",
    breaks: "What was applied is written before its index, so that it is applied again.",
    file: "raft/node/applier.ts",
    find: "await engine.write([...view.takeWrites(generation.prefix), record], { sync });",
    replace: `const first = engine.write(view.takeWrites(generation.prefix), { sync });
    const rest = engine.write([record], { sync });
    await Promise.all([first, rest]);`,
  },
  {
    name: "snapshot-lacks-record",
    breaks: "The last record of a snapshot's chunk is not sent.",
    file: "raft/node/snapshot_source.ts",
    find: "  return { records, done: ended, checksum: checksumOf(records) };",
    replace: `  if (records.length > 1) records.pop();
  return { records, done: ended, checksum: checksumOf(records) };`,
  },
  {
    name: "compaction-past-applied",
    breaks: "Entries that are not applied yet are dropped from the log.",
    file: "raft/node/raft_node.ts",
    find: "this.#persister.compact(index, (i)",
    replace: "this.#persister.compact(this.#core.commitIndex, (i)",
  },
  {
    name: "torn-round",
    breaks: "The hard state and the entries of a round are two writes, the entries unsynced.",
    file: "raft/node/persister.ts",
    find: "writes.push(this.#options.store.saveHardState(hardState));",
    replace: `{
      void engine.write(writes.splice(0), { sync: false });
      await engine.write([this.#options.store.saveHardState(hardState)], { sync: false });
    }`,
  },
  {
    name: "install-keeps-conflict",
    breaks: "A follower keeps its log if it has any entry at the index of the snapshot.",
    file: "raft/step_follower.ts",
    find: "core.log.term(snapshot.index) !== snapshot.term;",
    replace: "core.log.term(snapshot.index) === undefined;",
  },
];
