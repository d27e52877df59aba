import { assertEquals, assertThrows } from "@std/assert";
import { ResultCode, WriteBatch, type WriteCommand, WriteOp } from "../proto/gen/shardkv.ts";
import { KvError } from "../rpc/errors.ts";
import { bytes, configChain, write } from "./machine_harness.ts";
import { checkGetKeys, checkWrites } from "./request_check.ts";
import type { Ownership } from "./ownership.ts";

const [config = undefined] = configChain([100, 200]);
const ownership: Ownership = {
  config: config as NonNullable<typeof config>,
  previous: config as NonNullable<typeof config>,
  shards: new Map([[0, { shard: 0, incarnation: 1, status: "Serving" }]]),
  garbage: [],
};

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
