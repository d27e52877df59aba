/** Bugs in how a leader comes to be. */
import type { Mutant } from "./mutant.ts";

export const ELECTION_MUTANTS: readonly Mutant[] = [
  {
    name: "vote-forgotten",
    breaks: "A vote is not written to disk, so that a node votes again after a restart.",
    file: "raft/ready_rounds.ts",
    find: `    this.#hardState = { term, vote, commit };
    return this.#hardState;`,
    replace: `    this.#hardState = { term, vote, commit };
    return { term, vote: 0, commit };`,
  },
  {
    name: "vote-not-checked",
    breaks: "A node votes for everybody who asks, in the same term too.",
    file: "raft/election/election.ts",
    find: "return core.vote === NONE && core.leader === NONE;",
    replace: "return core.leader === NONE;",
  },
  {
    name: "vote-for-shorter-log",
    breaks: "A node votes for a candidate whose log lacks entries of its own.",
    file: "raft/election/election.ts",
    find: "mayVoteFor(core, request) && isCovered;",
    replace: "mayVoteFor(core, request);",
  },
  {
    name: "quorum-of-even-half",
    breaks: "Half of an even number of voters counts as a majority.",
    file: "raft/membership/quorum.ts",
    find: "return Math.floor(size / 2) + 1;",
    replace: "return Math.ceil(size / 2);",
  },
  {
    name: "promise-before-disk",
    breaks: "Votes and acknowledgements leave before what they promise is on disk.",
    file: "raft/node/rounds.ts",
    find: `  #persistLater(ready: Ready): void {
`,
    replace: `  #persistLater(ready: Ready): void {
    this.#sendPromises(ready);
`,
  },
  {
    name: "no-entry-of-new-leader",
    breaks: "A new leader does not begin its term with an entry of its own.",
    file: "raft/raft_core.ts",
    find: "  core.vanguard.race(appendOwn(core, new Uint8Array(0)));\n",
    replace: "",
  },
];
