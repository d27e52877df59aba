/** Bugs in how a write takes effect exactly once. */
import type { Mutant } from "./mutant.ts";

export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: "repeat-executed",
    breaks: "The reply of a write is not remembered, so that a repeated one is executed again.",
    file: "shardkv/machine/apply_writes.ts",
    find: "    sessions.finish(clientId, command.sequence, encodeResult(result));\n",
    replace: "",
  },
  {
    name: "snapshot-without-sessions",
    breaks: "A snapshot lacks the records of who has had which write answered.",
    file: "raft/node/snapshot/snapshot_source.ts",
    find: "records.push({ key: key.subarray(GENERATION_PREFIX_BYTES), value });",
    replace:
      `if (key[GENERATION_PREFIX_BYTES + 1] === 4 && key[GENERATION_PREFIX_BYTES + 8] === 1) {
        continue;
      }
      records.push({ key: key.subarray(GENERATION_PREFIX_BYTES), value });`,
  },
  {
    name: "sessions-lost-at-restart",
    breaks: "A node that starts does not load its sessions.",
    file: "shardkv/machine/load_state.ts",
    find: "  for (const shard of state.shards.values()) await loadSessions(shard, reader);\n",
    replace: "",
  },
  {
    name: "shard-without-sessions",
    breaks: "The sessions of a shard stay behind when it moves to another group.",
    file: "shardkv/machine/apply_migration.ts",
    find: "if (key[0] === SESSION_KIND) shard.sessions.adopt(clientOf(key), value, state.timeMs);",
    replace: "if (key[0] === SESSION_KIND) continue;",
  },
  {
    name: "sessions-expire-early",
    breaks: "Sessions are forgotten as soon as they are idle for half a second.",
    file: "shardkv/machine/machine.ts",
    find:
      `    if (Math.floor(before / SESSION_SWEEP_MS) === Math.floor(now / SESSION_SWEEP_MS)) return;
`,
    replace:
      `    for (const { sessions } of state.shards.values()) sessions.expire(now + 3_599_500);
    if (Math.floor(before / SESSION_SWEEP_MS) === Math.floor(now / SESSION_SWEEP_MS)) return;
`,
  },
  {
    name: "cas-without-compare",
    breaks: "A compare-and-set swaps whatever value it finds.",
    file: "shardkv/machine/apply_writes.ts",
    find: "return value !== undefined && command.expected.equals(value);",
    replace: "return value !== undefined;",
  },
  {
    name: "second-write-lost",
    breaks: "Of several writes of a key that reach the engine together only the first does.",
    file: "raft/node/apply/batch_view.ts",
    find: `    slot.value = value;
    slot.hasValue = true;`,
    replace: `    if (slot.written) return;
    slot.value = value;
    slot.hasValue = true;`,
  },
  {
    name: "maybe-taken-for-no",
    breaks: "A client says that a write did not happen, although it was sent and not answered.",
    file: "client/calls/pending_call.ts",
    find: "return this.isWrite && (this.maybe || this.underWay);",
    replace: "return false;",
  },
  {
    name: "new-number-for-each-try",
    breaks: "A client sends a write again under another sequence number.",
    file: "client/calls/batcher.ts",
    find: "if (call.isWrite && call.sequence === 0) {",
    replace: "if (call.isWrite) {",
  },
];
