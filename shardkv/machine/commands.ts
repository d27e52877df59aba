/** The proposals of a group's log: made here by the leader, read back by every replica. */
import {
  GroupCommand,
  type InsertChunk,
  type Result,
  type ShardStep,
  WriteBatch,
  type WriteCommand,
  WriteOp,
} from "../../proto/gen/shardkv.ts";
import type { RecordRef } from "../../raft/node/apply/state_machine.ts";
import { asBuffer } from "../../runtime/buffers.ts";
import { decodeConfig, encodeConfig } from "../../shardctrler/configuration/config_codec.ts";
import {
  type Config,
  type GroupIdentity,
  NO_IDENTITY,
} from "../../shardctrler/configuration/config.ts";

/** A batch of writes; the shards and records are filled in by whoever looks ahead (prefetch.ts). */
export interface WritesOperation {
  readonly kind: "writes";
  readonly clientId: string;
  readonly lowestUnanswered: number;
  readonly valueBytesMax: number;
  readonly commands: readonly WriteCommand[];
  /** Shard of each command, in a cluster of `shardCount` shards. */
  shards: Uint16Array;
  shardCount: number;
  /** Record of each command, for the stay the shard was in when somebody looked ahead. */
  readonly records: (RecordRef | undefined)[];
}

export type GroupOperation =
  | WritesOperation
  | { readonly kind: "birth"; readonly identity: GroupIdentity }
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "insert"; readonly chunk: InsertChunk }
  | { readonly kind: "freeze"; readonly step: ShardStep }
  | { readonly kind: "drop"; readonly step: ShardStep }
  | { readonly kind: "settle"; readonly step: ShardStep }
  /** Nonsense; changes nothing. */
  | { readonly kind: "invalid"; readonly reason: string };

/** Whether a write needs the value of its key whole, and not only the bytes that it takes. */
export function readsValue(op: WriteOp): boolean {
  return op === WriteOp.WRITE_OP_APPEND || op === WriteOp.WRITE_OP_CAS;
}

/** What became of a step of the group's configuration or of a shard. */
export type StepOutcome =
  /** It took effect. */
  | "done"
  /** It took effect before, or does not concern this group any more. */
  | "already"
  /** Something must happen first; it may be proposed again later. */
  | "notReady"
  /** It contradicts what the group knows; it will never take effect. */
  | "refused"
  /** It comes from another store; it will never take effect. */
  | "foreign";

/** What the machine answers to a proposal. */
export type GroupReply =
  /** One result for each command of the batch, in order. */
  | { readonly kind: "writes"; readonly results: Result[] }
  | { readonly kind: "step"; readonly outcome: StepOutcome; readonly configNum: number }
  | { readonly kind: "invalid"; readonly reason: string };

const NOTHING: GroupCommand = {
  writes: Buffer.alloc(0),
  config: undefined,
  insert: undefined,
  freeze: undefined,
  drop: undefined,
  settle: undefined,
  valueBytesMax: 0,
  birth: NO_IDENTITY,
};

/**
 * @param writes An encoded WriteBatch, as the client sent it
 * @param valueBytesMax Largest value a command may leave behind
 */
export function encodeWrites(writes: Buffer, valueBytesMax: number): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, writes, valueBytesMax }).finish();
}

export function encodeBirth(birth: GroupIdentity): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, birth }).finish();
}

export function encodeConfigStep(config: Config): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, config: encodeConfig(config) }).finish();
}

export function encodeInsert(insert: InsertChunk): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, insert }).finish();
}

export function encodeFreeze(freeze: ShardStep): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, freeze }).finish();
}

export function encodeDrop(drop: ShardStep): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, drop }).finish();
}

export function encodeSettle(settle: ShardStep): Uint8Array {
  return GroupCommand.encode({ ...NOTHING, settle }).finish();
}

/** Reads a proposal; bytes that make no sense become an operation that says so. */
export function decodeOperation(payload: Uint8Array): GroupOperation {
  try {
    // A view, so that everything decoded from it is a Buffer as the message types say.
    return operationOf(GroupCommand.decode(asBuffer(payload)));
  } catch (error) {
    // Deterministic: whether bytes decode depends on the bytes alone.
    return { kind: "invalid", reason: error instanceof Error ? error.message : String(error) };
  }
}

function operationOf(command: GroupCommand): GroupOperation {
  if (command.config) return { kind: "config", config: decodeConfig(command.config) };
  if (command.insert) return { kind: "insert", chunk: command.insert };
  if (command.freeze) return { kind: "freeze", step: command.freeze };
  if (command.drop) return { kind: "drop", step: command.drop };
  if (command.settle) return { kind: "settle", step: command.settle };
  if (command.birth !== NO_IDENTITY) return { kind: "birth", identity: command.birth };
  if (command.writes.length === 0) return { kind: "invalid", reason: "The command is empty" };
  const { clientId, lowestUnanswered, commands } = WriteBatch.decode(command.writes);
  return {
    kind: "writes",
    clientId,
    lowestUnanswered,
    valueBytesMax: command.valueBytesMax,
    commands,
    shards: new Uint16Array(commands.length),
    shardCount: 0,
    records: new Array<RecordRef | undefined>(commands.length).fill(undefined),
  };
}
