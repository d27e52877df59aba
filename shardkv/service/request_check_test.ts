import { assert, assertEquals, assertThrows } from "@std/assert";
import { ResultCode, WriteBatch, type WriteCommand, WriteOp } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { NO_IDENTITY, SHARDS_MAX } from "../../shardctrler/configuration/config.ts";
import type { Ownership } from "../machine/ownership.ts";
import { bytes, configChain, write } from "../testing/machine_harness.ts";
import { checkGetKeys, checkScan, checkWrites } from "./request_check.ts";

const [config = undefined] = configChain([100, 200]);
const ownership: Ownership = {
  identity: NO_IDENTITY,
  config: config as NonNullable<typeof config>,
  previous: config as NonNullable<typeof config>,
  shards: new Map([[0, { shard: 0, incarnation: 1, status: "Serving" }]]),
  garbage: [],
};

/** No shard is here: each command is refused, and counted by that. */
const elsewhere: Ownership = { ...ownership, shards: new Map() };

function check(commands: readonly WriteCommand[], clientId = "0") {
  const batch = WriteBatch.encode({ clientId, lowestUnanswered: 0, commands: [...commands] });
  return checkWrites(Buffer.from(batch.finish()), ownership, 10);
}

Deno.test("checkWrites() refuses what breaks a limit and says which", () => {
  const put = { key: bytes("k"), value: bytes("v") };
  for (
    const [commands, why] of [
      [[], "no command"],
      [[write({ ...put, key: bytes("") })], "a key has 0 bytes"],
      [[write({ ...put, key: Buffer.alloc(4097) })], "a key has 4097 bytes"],
      [[write({ ...put, value: Buffer.alloc(11) })], "a value has 11 bytes, the limit is 10"],
      [[write({ ...put, expected: Buffer.alloc(11) })], "a value has 11 bytes"],
      [[write({ ...put, op: WriteOp.WRITE_OP_UNSPECIFIED })], "operation 0 is unknown"],
      [[write({ ...put, op: 5 as WriteOp })], "operation 5 is unknown"],
      [new Array<WriteCommand>(1025).fill(write(put)), "at most 1024 writes"],
    ] as const
  ) {
    const error = assertThrows(() => check(commands), KvError, why);
    assertEquals(error.code, "INVALID_ARGUMENT");
  }
});

Deno.test("checkWrites() refuses every truncation of a batch, or takes what still is one", () => {
  const commands = [
    write({ key: bytes("key"), value: bytes("value") }),
    write({ key: bytes("x") }),
  ];
  const batch = Buffer.from(
    WriteBatch.encode({ clientId: "7", lowestUnanswered: 1, commands }).finish(),
  );
  for (let length = 0; length < batch.length; length++) {
    try {
      checkWrites(batch.subarray(0, length), ownership, 10);
    } catch (error) {
      assertEquals(KvError.from(error).code, "INVALID_ARGUMENT");
      continue;
    }
    WriteBatch.decode(batch.subarray(0, length));
  }
});

Deno.test("checkWrites() sees whether the client has a session", () => {
  const commands = [write({ key: bytes("k") })];
  assertEquals(check(commands).hasSession, false);
  assertEquals(check(commands, "18446744073709551615").hasSession, true);
});

Deno.test("checkWrites() answers at once only if no command can be executed here", () => {
  const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`);
  const batch = (names: readonly string[]) => check(names.map((key) => write({ key: bytes(key) })));
  const foreign = keys.filter((key) => batch([key]).refusals !== undefined);
  assertEquals(foreign.length > 0 && foreign.length < keys.length, true);
  const codes = batch(foreign).refusals?.map(({ code }) => code);
  assertEquals(new Set(codes), new Set([ResultCode.RESULT_WRONG_GROUP]));
  assertEquals(batch(keys).refusals, undefined);
});

Deno.test("checkGetKeys() bounds the number of keys", () => {
  assertThrows(() => checkGetKeys(new Array<Buffer>(1025).fill(bytes("k"))), KvError, "1025 keys");
  assertThrows(() => checkGetKeys([bytes("")]), KvError, "0 bytes");
});

/** What fields begin with, here and elsewhere, and what numbers of several bytes do. */
const TAGS = [0, 1, 2, 3, 4, 8, 9, 16, 26, 34, 42, 127, 128, 255];

/** A batch in which some bytes are changed, removed or added. */
function mangledBatch(prng: Prng): Buffer {
  const some = (max: number) => Buffer.alloc(prng.below(max), prng.below(256));
  const commands = Array.from({ length: 1 + prng.below(4) }, () =>
    write({
      sequence: prng.below(300),
      op: 1 + prng.below(4),
      key: Buffer.concat([bytes("k"), some(5)]),
      value: some(6),
      expected: some(3),
    }));
  const batch = { clientId: String(prng.below(3)), lowestUnanswered: prng.below(300), commands };
  let encoded = Buffer.from(WriteBatch.encode(batch).finish());
  for (let changes = prng.below(4); changes >= 0; changes--) {
    const at = prng.below(encoded.length + 1);
    const added = Array.from({ length: prng.below(3) }, () => TAGS[prng.below(TAGS.length)] ?? 0);
    const rest = encoded.subarray(at + prng.below(2));
    encoded = Buffer.concat([encoded.subarray(0, at), Buffer.from(added), rest]);
  }
  return encoded;
}

Deno.test("checkWrites() sees the commands that are applied, whatever a batch holds", () => {
  const prng = createPrng(1);
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const batch = mangledBatch(prng);
    let refusals: number | undefined;
    try {
      refusals = checkWrites(batch, elsewhere, 10).refusals?.length;
    } catch {
      continue;
    }
    taken++;
    assertEquals(WriteBatch.decode(batch).commands.length, refusals, batch.toString("hex"));
  }
  assert(taken > 100, `${taken} batches were taken`);
});

Deno.test("checkScan() refuses more shards than there can be", () => {
  const scan = { start: bytes(""), end: bytes(""), limit: 1, keysOnly: true };
  const shards = new Array<number>(SHARDS_MAX + 1).fill(0);
  assertThrows(() => checkScan({ ...scan, shards }, ownership), KvError, "16385 shards");
});
