/** Bugs in who serves a shard, and in its way from group to group. */
import type { Mutant } from "./mutant.ts";

export const SHARD_MUTANTS: readonly Mutant[] = [
  {
    name: "read-while-pulling",
    breaks: "A shard is read while its records are still on their way.",
    file: "shardkv/machine/ownership.ts",
    find: `if (held.status === "Pulling") return "NOT_READY";`,
    replace: `if (held.status === "Pulling") return undefined;`,
  },
  {
    name: "gain-without-pulling",
    breaks: "A group serves a shard it has gained without fetching what is in it.",
    file: "shardkv/machine/apply_config.ts",
    find: `isNew ? "Serving" : "Pulling"`,
    replace: `isNew ? "Serving" : "Serving"`,
  },
  {
    name: "served-after-loss",
    breaks: "A group goes on serving a shard that it has frozen for another group.",
    file: "shardkv/machine/shard_status.ts",
    find: `return isOwn(status) || status === "Leaving";`,
    replace: `return isOwn(status) || isGiven(status);`,
  },
  {
    name: "drop-before-insert",
    breaks: "A source forgets a shard before its new owner has committed the last chunk.",
    file: "shardkv/migration/shard_moves.ts",
    find: "      const outcome = await proposeChunk(context, action, cursor, chunk);\n",
    replace: `      const step = { ...senderOf(context), configNum, shard };
      if (chunk.done) await caller.call(ShardTransferServiceService.dropShard, step);
      const outcome = await proposeChunk(context, action, cursor, chunk);
`,
  },
  {
    name: "next-config-while-owing",
    breaks: "A group enters the next configuration while a source has not forgotten its copy.",
    file: "shardkv/machine/shard_status.ts",
    find: `    case "BePulling":
    case "GCing":
      return true;
    case "Serving":`,
    replace: `    case "BePulling":
      return true;
    case "GCing":
    case "Serving":`,
  },
  {
    name: "steps-not-fenced",
    breaks: "Steps of a move take effect in whatever configuration they arrive.",
    file: "shardkv/machine/apply_migration.ts",
    find: `  if (step.configNum < state.config.num) return "already";
  return step.configNum > state.config.num ? "notReady" : undefined;`,
    replace: "  return undefined;",
  },
  {
    name: "unbounded-clear",
    breaks: "Clearing what a shard left behind goes on to the last record of the group.",
    file: "shardkv/machine/machine_keys.ts",
    find: "return { start: stayKey(DATA_REGION, stay), end: stayEnd(stay) };",
    replace: "return { start: stayKey(DATA_REGION, stay), end: Buffer.of(DATA_REGION + 1) };",
  },
  {
    name: "unbalanced-join",
    breaks: "The remainder of the shards all goes to one group.",
    file: "shardctrler/configuration/rebalance.ts",
    find: "rank < remainder ? floor + 1 : floor",
    replace: "rank === 0 ? floor + remainder : floor",
  },
];
