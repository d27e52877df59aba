/** Bugs in what is on disk when: the log, the applied state, snapshots. */
import type { Mutant } from "./mutant.ts";

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    name: "save-without-sync",
    breaks: "The log is acknowledged before it is synced to disk.",
    file: "raft/node/log/log_store.ts",
    find: "await this.#journal.append(encodeLogRecord({ hardState: this.#hardState, entries }));",
    replace: `const record = encodeLogRecord({ hardState: this.#hardState, entries });
    const before = Reflect.get(this, "before") ?? Promise.resolve();
    Reflect.set(this, "before", before.then(() => this.#journal.append(record)).catch(() => {}));`,
  },
  {
    name: "applied-before-data",
    breaks: "The applied index is written before what was applied, not with it.",
    file: "raft/node/apply/applier.ts",
    find: "await engine.write([...writes, record], { sync });",
    replace: `const first = engine.write([record], { sync });
    const rest = engine.write(writes, { sync });
    await Promise.all([first, rest]);`,
  },
  {
    name: "data-before-applied",
    breaks: "What was applied is written before its index, so that it is applied again.",
    file: "raft/node/apply/applier.ts",
    find: "await engine.write([...writes, record], { sync });",
    replace: `const first = engine.write(writes, { sync });
    const rest = engine.write([record], { sync });
    await Promise.all([first, rest]);`,
  },
  {
    name: "writes-under-way-unseen",
    breaks: "Commands do not see what was applied before them and is on its way to the engine.",
    file: "raft/node/apply/applier.ts",
    find: "      this.#writing?.view,\n",
    replace: "",
  },
  {
    name: "news-before-engine",
    breaks: "A machine tells what it knows when the engine has got what was applied before that.",
    file: "raft/node/apply/applier.ts",
    find: "if (isExclusive || machine.hasNews === undefined) machine",
    replace: "machine",
  },
  {
    name: "snapshot-lacks-record",
    breaks: "The last record of a snapshot's chunk is not sent.",
    file: "raft/node/snapshot/snapshot_source.ts",
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
    breaks: "The entries of a round are saved first, its hard state in a record of its own.",
    file: "raft/node/log/log_store.ts",
    find: "await this.#journal.append(encodeLogRecord({ hardState: this.#hardState, entries }));",
    replace: `const before = this.#base.hardState;
    await this.#journal.append(encodeLogRecord({ hardState: before, entries }));
    await this.#journal.append(encodeLogRecord({ hardState: this.#hardState, entries: [] }));`,
  },
  {
    name: "install-keeps-journal",
    breaks: "What the journal says of the log before a snapshot still counts behind it.",
    file: "raft/node/log/log_store.ts",
    find: "since: this.#written + 1,",
    replace: "since: this.#base.since,",
  },
  {
    name: "install-forgets-vote",
    breaks: "The write that installs a snapshot does not say the term and the vote of its round.",
    file: "raft/node/log/log_store.ts",
    find: "      hardState: this.#hardState,\n    };",
    replace: "      hardState: { ...EMPTY_BASE.hardState, term: meta.term },\n    };",
  },
  {
    name: "forget-before-durable",
    breaks: "Records of the journal go while the start that makes them needless is not durable.",
    file: "raft/node/persister.ts",
    find: "await engine.write([write], { sync: true });",
    replace: "await engine.write([write], { sync: false });",
  },
  {
    name: "forget-too-much",
    breaks: "The record of the journal with the first entry of the log goes too.",
    file: "raft/node/log/log_store.ts",
    find: "this.#nextRunHas(index + 1)",
    replace: "this.#nextRunHas(index + 2)",
  },
  {
    name: "install-keeps-conflict",
    breaks: "A follower keeps its log if it has any entry at the index of the snapshot.",
    file: "raft/step_follower.ts",
    find: "core.log.term(snapshot.index) !== snapshot.term;",
    replace: "core.log.term(snapshot.index) === undefined;",
  },
];
