/** Bugs in how requests wait for a shard that changes hands. */
import type { Mutant } from "./mutant.ts";

export const HAND_OVER_MUTANTS: readonly Mutant[] = [
  {
    name: "write-while-pulling",
    breaks: "A write that waits for a shard is executed although the last records have not come.",
    file: "shardkv/machine/apply_writes.ts",
    find: `  if (shard.status === "Pulling") return plainResults.NOT_READY;
  if (!isServed(shard.status)) return plainResults.WRONG_GROUP;
`,
    replace: `  const waits = shard.status === "Pulling";
  if (!waits && !isServed(shard.status)) return plainResults.WRONG_GROUP;
`,
  },
  {
    name: "waiting-taken-for-done",
    breaks: "A write that has to wait is acknowledged with the rest of its batch.",
    file: "shardkv/service/separate_answers.ts",
    find: "fill(plainResults.SEPARATE)",
    replace: "fill(plainResults.OK)",
  },
  {
    name: "separate-results-misplaced",
    breaks: "The results of a part of a batch are told in the order in which they come.",
    file: "shardkv/service/separate_answers.ts",
    find: "all[places[i] ?? 0] = result",
    replace: "all[i] = result",
  },
];
