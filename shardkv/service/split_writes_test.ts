import { assert, assertEquals, assertThrows } from "@std/assert";
import { WriteBatch, type WriteCommand, WriteOp } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { plainResults } from "../machine/results.ts";
import { bytes, write } from "../testing/machine_harness.ts";
import { joinResults, splitWrites } from "./split_writes.ts";

const { WRITE_OP_APPEND: APPEND, WRITE_OP_CAS: CAS, WRITE_OP_PUT: PUT } = WriteOp;

function commandsOf(batch: Buffer): WriteCommand[] {
  return WriteBatch.decode(batch).commands;
}

Deno.test("splitWrites() cuts behind as many commands as may read a value, and loses nothing", () => {
  const commands = [PUT, APPEND, CAS, PUT, PUT, APPEND, APPEND, CAS].map((op, i) =>
    write({ op, key: bytes(`k${i}`), sequence: i + 1 })
  );
  const whole = { clientId: "7", lowestUnanswered: 3, commands };
  const parts = splitWrites(Buffer.from(WriteBatch.encode(whole).finish()), 2);
  assertEquals(parts.map((part) => commandsOf(part).length), [5, 2, 1]);
  assertEquals(parts.flatMap(commandsOf), commands);
  for (const part of parts) {
    const { clientId, lowestUnanswered } = WriteBatch.decode(part);
    assertEquals([clientId, lowestUnanswered], ["7", 3]);
  }
});

Deno.test("joinResults() says that writes may have happened if those of any part may have", () => {
  const done = { status: "fulfilled" as const, value: [plainResults.OK] };
  const failed = (code: "NOT_LEADER" | "LEADERSHIP_LOST") => ({
    status: "rejected" as const,
    reason: new KvError(code, "No luck", { leader: "other:1" }),
  });
  const errorOf = (...parts: Parameters<typeof joinResults>[0]) => {
    const error = assertThrows(() => joinResults(parts), KvError);
    return [error.code, error.maybe, error.leader];
  };
  assertEquals(joinResults([done, done]), [plainResults.OK, plainResults.OK]);
  assertEquals(errorOf(failed("NOT_LEADER"), failed("NOT_LEADER")), [
    "NOT_LEADER",
    false,
    "other:1",
  ]);
  for (const other of [done, failed("LEADERSHIP_LOST")]) {
    const [code, maybe, leader] = errorOf(failed("NOT_LEADER"), other);
    assert(maybe, "it may have happened");
    assertEquals([code, leader], ["LEADERSHIP_LOST", "other:1"]);
  }
});
