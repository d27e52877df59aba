import { assertEquals, assertThrows } from "@std/assert";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { SequenceMap } from "../../../runtime/sequence_map.ts";
import { decodeSession, encodeSession, isSessionRecord, type Session } from "./session_record.ts";

function session(lastUsedMs: number, mark: number, replies: [number, number][]): Session {
  const kept = new SequenceMap<Uint8Array>();
  let replyBytes = 0;
  for (const [sequence, length] of replies) {
    kept.set(sequence, new Uint8Array(length).fill(sequence));
    replyBytes += length;
  }
  return { lastUsedMs, mark, replies: kept, replyBytes };
}

/** The record as a writer of Protocol Buffers makes it, whose varints these are. */
function reference({ lastUsedMs, mark, replies }: Session): Uint8Array {
  const writer = new BinaryWriter();
  writer.uint32(1).uint64(lastUsedMs).uint64(mark).uint32(replies.size);
  let before = mark;
  for (const [sequence, reply] of replies.entries()) {
    writer.uint64(sequence - before).bytes(reply);
    before = sequence;
  }
  return writer.finish();
}

const LARGEST = Number.MAX_SAFE_INTEGER;
const sessions = [
  session(0, 0, []),
  session(1_700_000_000_000, 1, [[1, 0], [2, 0], [130, 3]]),
  session(127, 128, [[128, 127], [128 + 2 ** 32, 128]]),
  session(LARGEST, 0, [[0, 0], [LARGEST, 20_000]]),
];

Deno.test("encodeSession() writes varints, of numbers of any size and replies of any length", () => {
  for (const each of sessions) {
    assertEquals(new Uint8Array(encodeSession(each)), new Uint8Array(reference(each)));
  }
});

Deno.test("decodeSession() reads what encodeSession() wrote", () => {
  for (const each of sessions) {
    const read = decodeSession(encodeSession(each));
    assertEquals([...read.replies.entries()], [...each.replies.entries()]);
    assertEquals({ ...read, replies: 0 }, { ...each, replies: 0 });
  }
});

Deno.test("decodeSession() refuses what is cut off, goes on, or is of another format", () => {
  const record = encodeSession(session(5, 7, [[9, 3]]));
  for (let length = 0; length < record.length; length++) {
    const cut = record.subarray(0, length);
    assertThrows(() => decodeSession(cut), SyntaxError, `${length} bytes`);
    assertEquals(isSessionRecord(cut), false);
  }
  assertThrows(() => decodeSession(Buffer.concat([record, Buffer.of(0)])), SyntaxError);
  assertThrows(() => decodeSession(Buffer.concat([Buffer.of(2), record.subarray(1)])), SyntaxError);
  assertEquals(isSessionRecord(record), true);
});
