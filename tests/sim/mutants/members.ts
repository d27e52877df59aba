/** Bugs in who belongs to a group and whose word counts. */
import type { Mutant } from "./mutant.ts";

export const MEMBER_MUTANTS: readonly Mutant[] = [
  {
    name: "joint-commit-by-new-majority",
    breaks: "While voters change, the majority of the new ones commits alone.",
    file: "raft/membership/quorum.ts",
    find: "    majorityIndex(electorate.votersOutgoing, reached),\n",
    replace: "",
  },
  {
    name: "learner-counted",
    breaks: "The copy of a learner counts as if it had a vote.",
    file: "raft/replication/replication.ts",
    find: "const index = quorumIndex(core.conf, (id)",
    replace: `const voters = [...core.conf.voters, ...core.conf.learners];
  const index = quorumIndex({ ...core.conf, voters }, (id)`,
  },
  {
    name: "followers-keep-members",
    breaks: "Only the leader puts a change of members in force: votes of removed nodes count.",
    file: "raft/membership/membership_change.ts",
    find: `  core.conf = changeConf(core.conf, change);
  if (core.role !== "leader") {`,
    replace: `  if (core.role === "leader") core.conf = changeConf(core.conf, change);
  if (core.role !== "leader") {`,
  },
  {
    name: "snapshot-with-wrong-members",
    breaks: "A snapshot says that there is one voter.",
    file: "raft/node/snapshot/snapshot_source.ts",
    find: "confState: roster.conf,",
    replace: "confState: { ...roster.conf, voters: roster.conf.voters.slice(-1) },",
  },
  {
    name: "wiped-node-admitted",
    breaks: "A node that has lost its disk takes part as if it had not.",
    file: "raft/node/members/peer_registry.ts",
    find: "    if (known !== incarnation) throw forgotten(peer, known, incarnation);\n",
    replace: "",
  },
];
