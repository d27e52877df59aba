/** Bugs in leases, and in the promises they rest on. */
import type { Mutant } from "./mutant.ts";

export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: "lease-by-sending",
    breaks: "A leader holds a lease once it has sent heartbeats, whoever answers them.",
    file: "raft/reads/lease.ts",
    find: "    this.#sent.push({ sequence, atMs });\n",
    replace: `    this.#sent.push({ sequence, atMs });
    this.#provenMs = atMs;
`,
  },
  {
    name: "lease-kept-on-transfer",
    breaks: "A leader keeps its lease although it has told another node to take over.",
    file: "raft/reads/lease.ts",
    find: "    this.#isVoid = true;\n",
    replace: "",
  },
  {
    name: "lease-from-late-answer",
    breaks:
      "A lease counts from the newest heartbeats, although it was older ones that were answered.",
    file: "raft/reads/lease.ts",
    find: "      this.#provenMs = Math.max(this.#provenMs, round.atMs);\n",
    replace: "      this.#provenMs = this.#sent.at(-1)?.atMs ?? round.atMs;\n",
  },
  {
    name: "lease-without-margin",
    breaks: "A lease leaves no room for clocks that run at different speeds.",
    file: "raft/node/raft_node_options.ts",
    find: "const LEASE_SHARE = 0.9;",
    replace: "const LEASE_SHARE = 1;",
  },
  {
    name: "lease-of-whole-timeout",
    breaks: "A lease ignores that the first tick of a promise may come at once.",
    file: "raft/node/raft_node_options.ts",
    find: "(config.electionTicks - 1) * tickMs * LEASE_SHARE",
    replace: "config.electionTicks * tickMs",
  },
  {
    name: "vote-despite-promise",
    breaks: "A node that was just started votes although it may have promised not to.",
    file: "raft/step.ts",
    find: "    if (core.embargoTicks > 0 && !message.force) return;\n",
    replace: "",
  },
  {
    name: "promise-forgotten-at-start",
    breaks: "A node that starts does not think of what it may have promised.",
    file: "raft/raft_core.ts",
    find: "embargoTicks: config.leaseMs > 0 ? config.electionTicks : 0,",
    replace: "embargoTicks: 0,",
  },
];
