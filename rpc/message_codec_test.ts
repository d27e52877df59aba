import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { KvServiceService } from "../proto/gen/shardkv.ts";
import { KvError } from "./errors.ts";
import { REQUEST_FIELDS_MAX } from "./limits.ts";
import { decodeRequest, encodeRequest } from "./message_codec.ts";

// Messages share a writer (tasks/proto_output.ts): what one leaves in it must not reach another.
const { stream } = KvServiceService;
const PLAIN = { id: 7, writes: Buffer.from("writes"), getKeys: [], ageMs: 1, anyReplica: true };

Deno.test("encodeRequest() keeps nothing of a message that could not be encoded", () => {
  const before = encodeRequest(stream, PLAIN);
  // Its id is written before the bytes that are none.
  assertThrows(() => encodeRequest(stream, { ...PLAIN, id: 9, writes: null as never }));
  assertEquals(encodeRequest(stream, PLAIN), before);
});

Deno.test("encodeRequest() lets one message be encoded while another is", () => {
  let inner: Buffer | undefined;
  const outer = {
    ...PLAIN,
    get ageMs() {
      inner = encodeRequest(stream, { ...PLAIN, id: 8 });
      return 5;
    },
  };
  const bytes = encodeRequest(stream, outer);
  assertEquals(decodeRequest(stream, bytes), { ...PLAIN, ageMs: 5 });
  assertEquals(decodeRequest(stream, inner as Buffer), { ...PLAIN, id: 8 });
});

Deno.test("encodeRequest() gives bytes of their own, which later messages do not change", () => {
  const large = encodeRequest(stream, { ...PLAIN, writes: Buffer.alloc(3 << 20, 1) });
  const first = encodeRequest(stream, PLAIN);
  const copy = Buffer.from(first);
  encodeRequest(stream, { ...PLAIN, id: 1, writes: Buffer.alloc(1_000, 2) });
  assertEquals(first, copy);
  assertEquals(decodeRequest(stream, large).writes.length, 3 << 20);
});

Deno.test("decodeRequest() refuses more fields than any request has before it makes objects of them", () => {
  const keys = (count: number) =>
    stream.requestSerialize({ ...PLAIN, getKeys: new Array<Buffer>(count).fill(Buffer.alloc(0)) });
  const error = assertThrows(() => decodeRequest(stream, keys(REQUEST_FIELDS_MAX + 1)), KvError);
  assertEquals(error.code, "INVALID_ARGUMENT");
  assertMatch(error.message, /more than 32768 fields/);
  // The others are a few.
  const { getKeys } = decodeRequest(stream, keys(REQUEST_FIELDS_MAX - 10));
  assertEquals(getKeys.length, REQUEST_FIELDS_MAX - 10);
});
