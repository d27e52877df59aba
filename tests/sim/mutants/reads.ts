/** Bugs in reads, which take no entry in the log. */
import type { Mutant } from "./mutant.ts";

export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: "read-without-quorum",
    breaks: "A leader answers reads without asking whether it still leads.",
    file: "raft/reads/serve_reads.ts",
    find: "if (isSingleVoter(core.conf, core.config.id)) confirmReads(core);",
    replace: `for (const { index, requests } of leaderReads.takeConfirmed(Infinity)) {
    for (const { from, context } of requests) answerRead(core, from, context, index);
  }
  if (isSingleVoter(core.conf, core.config.id)) confirmReads(core);`,
  },
  {
    name: "read-before-first-commit",
    breaks: "A new leader answers reads before it knows what its predecessors committed.",
    file: "raft/reads/serve_reads.ts",
    find: "if (!leaderReads.hasWaiting || !hasCommittedInTerm(core)) return;",
    replace: "if (!leaderReads.hasWaiting) return;",
  },
  {
    name: "read-before-applied",
    breaks: "A read does not wait until everything up to its index is applied.",
    file: "raft/node/rounds.ts",
    find: "barriers.confirm(state, core.appliedIndex);",
    replace: "barriers.confirm({ ...state, index: 0 }, core.appliedIndex);",
  },
  {
    name: "follower-reads-unasked",
    breaks: "A replica that may answer reads although it does not lead asks nobody before it does.",
    file: "shardkv/service/kv_reads.ts",
    find: `await context.log.readBarrier(anyReplica ? "anywhere" : "onLeader");`,
    replace: "if (!anyReplica) await context.log.readBarrier();",
  },
  {
    name: "scan-misses-shard",
    breaks: "A scan leaves the third shard of a group out.",
    file: "shardkv/service/scan.ts",
    find: "return [...new Set(numbers)].map((number) => {",
    replace: "return [...new Set(numbers)].filter((_, i) => i !== 2).map((number) => {",
  },
];
