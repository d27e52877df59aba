/** Checks what clients send before it costs anything. */
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Result, ScanRequest } from "../../proto/gen/shardkv.ts";
import { readUint64 } from "../../proto/wire.ts";
import { KvError } from "../../rpc/errors.ts";
import { SHARDS_MAX } from "../../shardctrler/configuration/config.ts";
import { COMMANDS_MAX, GET_KEYS_MAX, KEY_BYTES_MAX, REQUEST_BYTES_MAX } from "../limits.ts";
import { readsValue } from "../machine/commands.ts";
import { type Ownership, refusalOf, shardOfKey } from "../machine/ownership.ts";
import { plainResults } from "../machine/results.ts";

/** What the edge has to know of an encoded WriteBatch. */
export interface CheckedBatch {
  /** The client wants its writes remembered. */
  readonly hasSession: boolean;
  /** Commands that read the value of their key. */
  readonly values: number;
  /** Set if no command at all can be executed here: the answer, without the log. */
  readonly refusals: readonly Result[] | undefined;
}

interface Scan {
  readonly ownership: Ownership;
  readonly valueBytesMax: number;
  readonly refusals: Result[];
  commands: number;
  values: number;
}

// Tags of shardkv.proto: field number times 8, plus the wire type.
const BATCH_CLIENT_ID = 9;
const BATCH_COMMAND = 26;
const COMMAND_SEQUENCE = 8;
const COMMAND_OP = 16;
const COMMAND_KEY = 26;
const COMMAND_VALUE = 34;
const COMMAND_EXPECTED = 42;
/** Numbers of WriteOp: 1 to 4. */
const OP_MAX = 4;

/**
 * Walks over an encoded WriteBatch without decoding it: the batch is decoded
 * once, when it is applied.
 *
 * @throws {KvError} INVALID_ARGUMENT if it is malformed or breaks a limit
 */
export function checkWrites(
  writes: Buffer,
  ownership: Ownership,
  valueBytesMax: number,
): CheckedBatch {
  if (writes.length > REQUEST_BYTES_MAX) {
    throw invalid(`the writes have ${writes.length} bytes, the limit is ${REQUEST_BYTES_MAX}`);
  }
  const scan: Scan = { ownership, valueBytesMax, refusals: [], commands: 0, values: 0 };
  let hasSession = false;
  try {
    const reader = new BinaryReader(writes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === BATCH_COMMAND) checkCommand(reader, scan);
      else if (tag === BATCH_CLIENT_ID) hasSession = Number(reader.fixed64()) !== 0;
      else skipField(reader, tag);
    }
  } catch (cause) {
    if (cause instanceof KvError) throw cause;
    throw invalid("the writes are not an encoded WriteBatch", cause);
  }
  if (scan.commands === 0) throw invalid("the writes hold no command");
  const allRefused = scan.refusals.length === scan.commands;
  const refusals = allRefused ? scan.refusals : undefined;
  return { hasSession, values: scan.values, refusals };
}

function checkCommand(reader: BinaryReader, scan: Scan): void {
  if (++scan.commands > COMMANDS_MAX) throw invalid(`a batch takes at most ${COMMANDS_MAX} writes`);
  const end = reader.uint32() + reader.pos;
  let op = 0;
  let key: Uint8Array | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case COMMAND_SEQUENCE:
        readUint64(reader);
        break;
      case COMMAND_OP:
        op = reader.int32();
        break;
      case COMMAND_KEY:
        key = reader.bytes();
        break;
      case COMMAND_VALUE:
      case COMMAND_EXPECTED:
        checkValueBytes(passBytes(reader), scan.valueBytesMax);
        break;
      default:
        skipField(reader, tag);
    }
  }
  if (op < 1 || op > OP_MAX) throw invalid(`operation ${op} is unknown`);
  checkKey(key);
  if (readsValue(op)) scan.values++;
  // Once a command can be executed the log answers for all of them.
  if (scan.refusals.length < scan.commands - 1) return;
  const refusal = refusalOfKey(scan.ownership, key);
  if (refusal !== undefined) scan.refusals.push(plainResults[refusal]);
}

/**
 * Passes over a field that says nothing here. Decoders take a tag of 0 for the
 * end of a message, wherever it stands: what follows it within a command would
 * be more commands of the batch for those who decode it, and for them alone.
 */
function skipField(reader: BinaryReader, tag: number): void {
  if (tag === 0) throw new RangeError("The message has a field without a number");
  reader.skip(tag & 7);
}

/** Passes over a field of bytes without making a view of it; returns its length. */
function passBytes(reader: BinaryReader): number {
  const length = reader.uint32();
  reader.pos += length;
  if (reader.pos > reader.len) throw new RangeError("The message ends within a field");
  return length;
}

/** @throws {KvError} INVALID_ARGUMENT unless the key has 1 to 4096 bytes */
export function checkKey(key: Uint8Array | undefined): asserts key is Uint8Array {
  const length = key?.length ?? 0;
  if (length < 1 || length > KEY_BYTES_MAX) {
    throw invalid(`a key has ${length} bytes, it must have 1 to ${KEY_BYTES_MAX}`);
  }
}

/** @throws {KvError} INVALID_ARGUMENT if the value is too large */
export function checkValue(value: Uint8Array, valueBytesMax: number): void {
  checkValueBytes(value.length, valueBytesMax);
}

function checkValueBytes(bytes: number, valueBytesMax: number): void {
  if (bytes > valueBytesMax) {
    throw invalid(`a value has ${bytes} bytes, the limit is ${valueBytesMax}`);
  }
}

/** @throws {KvError} INVALID_ARGUMENT if there are too many keys or one is no key */
export function checkGetKeys(keys: readonly Buffer[]): void {
  if (keys.length > GET_KEYS_MAX) {
    throw invalid(`${keys.length} keys are asked for, the limit is ${GET_KEYS_MAX}`);
  }
  for (const key of keys) checkKey(key);
}

/** @throws {KvError} INVALID_ARGUMENT if more shards are named than there can be */
export function checkShardIds(shards: readonly number[]): void {
  if (shards.length > SHARDS_MAX) {
    throw invalid(`${shards.length} shards are named, the limit is ${SHARDS_MAX}`);
  }
}

/** @throws {KvError} INVALID_ARGUMENT if the range or the shards make no sense */
export function checkScan({ shards, start, end }: ScanRequest, ownership: Ownership): void {
  if (shards.length === 0) throw invalid("no shard to scan is named");
  checkShardIds(shards);
  const count = ownership.config.shards.length;
  const unknown = count === 0 ? undefined : shards.find((shard) => shard < 0 || shard >= count);
  if (unknown !== undefined) throw invalid(`shard ${unknown} is not one of 0 to ${count - 1}`);
  for (const bound of [start, end]) {
    if (bound.length > KEY_BYTES_MAX + 1) {
      throw invalid(`a bound has ${bound.length} bytes, the limit is ${KEY_BYTES_MAX + 1}`);
    }
  }
}

function refusalOfKey(ownership: Ownership, key: Uint8Array) {
  const shard = shardOfKey(ownership, key);
  return shard === undefined ? "WRONG_GROUP" : refusalOf(ownership.shards.get(shard));
}

function invalid(why: string, cause?: unknown): KvError {
  return new KvError("INVALID_ARGUMENT", `Cannot take the request: ${why}`, { cause });
}
