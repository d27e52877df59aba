/** Bugs in how a shard is copied while it is served. */
import type { Mutant } from "./mutant.ts";

export const LIVE_COPY_MUTANTS: readonly Mutant[] = [
  {
    name: "put-not-noted",
    breaks: "A value that is written while its shard is copied is missing in the change log.",
    file: "shardkv/machine/apply_writes.ts",
    find: `  setValue(shard, record, value, view.lengthOf(record), view);
  noteChange(shard, record.key, view);
`,
    replace: "  setValue(shard, record, value, view.lengthOf(record), view);\n",
  },
  {
    name: "delete-not-noted",
    breaks: "A key that is deleted while its shard is copied is missing in the change log.",
    file: "shardkv/machine/apply_writes.ts",
    find: `  if (!removeValue(shard, record, view)) return plainResults.NO_KEY;
  noteChange(shard, record.key, view);
`,
    replace: "  if (!removeValue(shard, record, view)) return plainResults.NO_KEY;\n",
  },
  {
    name: "session-not-noted",
    breaks: "What a client was answered while its shard was copied is missing in the change log.",
    file: "shardkv/machine/apply_writes.ts",
    find: "    noteChange(shard, sessionKey(shard, clientId), view);\n",
    replace: "",
  },
  {
    name: "change-numbers-forgotten",
    breaks: "A node that starts numbers the changes of a shard from the beginning.",
    file: "shardkv/machine/shard_record.ts",
    find: "    changes: readUint64(record, 21),\n",
    replace: "    changes: 0,\n",
  },
  {
    name: "done-without-freeze",
    breaks: "A source that still serves a shard says that there is no more to come.",
    file: "shardkv/migration/shard_source.ts",
    find: `done: isCatchUp && chunk.ended && stay.status === "BePulling",`,
    replace: "done: isCatchUp && chunk.ended,",
  },
  {
    name: "done-with-records",
    breaks: "A frozen source says that a chunk of many is the last one.",
    file: "shardkv/migration/shard_source.ts",
    find: `done: isCatchUp && chunk.ended && stay.status === "BePulling",`,
    replace: `done: isCatchUp && stay.status === "BePulling",`,
  },
  {
    name: "freeze-forgotten",
    breaks: "A node that starts serves a shard again that its group has frozen.",
    file: "shardkv/machine/apply_migration.ts",
    find: `  shard.status = "BePulling";
  state.changed.shards.add(shard);
`,
    replace: `  shard.status = "BePulling";
`,
  },
  {
    name: "first-change-skipped",
    breaks: "Whoever has copied the records goes on behind the first change.",
    file: "shardkv/migration/shard_reader.ts",
    find: "cursor: changeCursor(0), ended: true };",
    replace: "cursor: changeCursor(1), ended: true };",
  },
  {
    name: "changed-once-a-chunk",
    breaks:
      "A record that is in a chunk of changes is not read again for a change that came later.",
    file: "shardkv/migration/shard_reader.ts",
    find: "      const records = await readChanged(reader, stay, slice.keys);\n",
    replace: `      const records = await readChanged(reader, stay, slice.keys);
      for (const { key } of filling.records) records.delete(key.toString("latin1"));
`,
  },
  {
    name: "cursor-forgotten",
    breaks: "A node that starts believes that nothing of a shard has come yet.",
    file: "shardkv/machine/shard_record.ts",
    find: "cursor: new Uint8Array(record.subarray(HEAD_BYTES)),",
    replace: "cursor: NO_BYTES,",
  },
  {
    name: "overwrite-counted-anew",
    breaks: "A value that replaces another one during a move counts as one more key.",
    file: "shardkv/machine/apply_migration.ts",
    find: "else setValue(shard, record, value, view.lengthOf(record), view);",
    replace: "else setValue(shard, record, value, undefined, view);",
  },
  {
    name: "deletion-not-taken",
    breaks: "What was deleted while its shard was copied stays at the new owner.",
    file: "shardkv/machine/apply_migration.ts",
    find: "      else if (deleted) removeValue(shard, record, view);\n",
    replace: "      else if (deleted) continue;\n",
  },
];
