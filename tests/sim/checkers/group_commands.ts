/** What the entries of a group's log ask for. */
import { EntryPayload } from "../../../proto/gen/raft.ts";
import { GroupCommand, WriteBatch } from "../../../proto/gen/shardkv.ts";
import type { Entry } from "../../../raft/types.ts";
import { asBuffer } from "../../../runtime/buffers.ts";

export type GroupStep =
  | { readonly kind: "writes"; readonly clientId: string; readonly writes: readonly SmallWrite[] }
  | { readonly kind: "config"; readonly num: number }
  | {
    readonly kind: "insert" | "freeze" | "drop" | "settle";
    readonly configNum: number;
    readonly shard: number;
    /** Of an insert: whether the shard is complete with it. */
    readonly done: boolean;
    /** Of an insert: records that were written while the shard was copied. */
    readonly changes: number;
  }
  | { readonly kind: "other" };

export interface SmallWrite {
  readonly sequence: number;
  readonly key: Buffer;
}

/** First byte of a cursor that stands in the change log (shardkv/machine/machine_keys.ts). */
const CHANGE = 0x03;

/** By the entry's bytes: several checkers ask for the same. */
const cached = new WeakMap<Uint8Array, readonly GroupStep[]>();

/** The proposals of an entry, in order. */
export function stepsOf({ kind, data }: Entry): readonly GroupStep[] {
  if (kind !== "normal" || data.length === 0) return [];
  let steps = cached.get(data);
  if (steps === undefined) {
    steps = EntryPayload.decode(asBuffer(data)).proposals.map(stepOf);
    cached.set(data, steps);
  }
  return steps;
}

function stepOf(proposal: Buffer): GroupStep {
  const { writes, config, insert, freeze, drop, settle } = GroupCommand.decode(proposal);
  if (config !== undefined) return { kind: "config", num: config.num };
  if (insert !== undefined) {
    return {
      kind: "insert",
      configNum: insert.configNum,
      shard: insert.shard,
      done: insert.done,
      changes: insert.cursorBefore[0] === CHANGE ? insert.records.length : 0,
    };
  }
  if (freeze !== undefined) return { kind: "freeze", ...freeze, done: false, changes: 0 };
  if (drop !== undefined) return { kind: "drop", ...drop, done: false, changes: 0 };
  if (settle !== undefined) return { kind: "settle", ...settle, done: false, changes: 0 };
  if (writes.length === 0) return { kind: "other" };
  const { clientId, commands } = WriteBatch.decode(writes);
  return {
    kind: "writes",
    clientId,
    writes: commands.map(({ sequence, key }) => ({ sequence, key })),
  };
}
