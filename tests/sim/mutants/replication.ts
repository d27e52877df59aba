/** Bugs in how entries get from the leader to the others, and in what counts as committed. */
import type { Mutant } from "./mutant.ts";

export const REPLICATION_MUTANTS: readonly Mutant[] = [
  {
    name: "old-term-by-counting",
    breaks: "A leader commits entries of earlier terms by counting their copies.",
    file: "raft/replication/replication.ts",
    find: "if (index <= log.commit || log.term(index) !== core.term) return;",
    replace: "if (index <= log.commit) return;",
  },
  {
    name: "commit-what-was-sent",
    breaks: "A leader counts entries that it has sent as if they had arrived.",
    file: "raft/replication/replication.ts",
    find: "quorumIndex(core.conf, (id) => core.progress.get(id)?.match ?? 0)",
    replace: "quorumIndex(core.conf, (id) => (core.progress.get(id)?.next ?? 1) - 1)",
  },
  {
    name: "own-copy-before-disk",
    breaks: "A leader counts its own copy of an entry before it is on disk.",
    file: "raft/raft_core.ts",
    find: "  core.uncommittedBytes += data.length;\n",
    replace: `  core.uncommittedBytes += data.length;
  core.progress.get(core.config.id)?.acknowledge(index);
`,
  },
  {
    name: "match-falls",
    breaks: "A late acknowledgement lowers what a leader knows to be on a follower.",
    file: "raft/replication/progress.ts",
    find: "if (index <= this.#match) return false;",
    replace: "if (index === this.#match) return false;",
  },
  {
    name: "heartbeat-commits-unmatched",
    breaks: "A heartbeat commits entries on followers whose logs may differ from the leader's.",
    file: "raft/replication/replication.ts",
    find: "const commit = Math.min(progress.match, log.commit);",
    replace: "const commit = log.commit;",
  },
  {
    name: "previous-term-not-compared",
    breaks: "A follower takes entries in behind an entry that differs from the leader's.",
    file: "raft/step_follower.ts",
    find: "if (log.term(prevIndex) !== prevTerm) {",
    replace: "if (log.term(prevIndex) === undefined) {",
  },
  {
    name: "late-append-cuts",
    breaks: "A follower cuts its log at entries that it has already, whatever follows them.",
    file: "raft/log/raft_log.ts",
    find: "      if (term === entry.term) continue;\n",
    replace: "",
  },
];
