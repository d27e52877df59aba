import { assertEquals, assertThrows } from "@std/assert";
import { changeCursor } from "./machine_keys.ts";
import { decodeShard, emptyShard, encodeShard, type Shard } from "./shard_record.ts";
import { type ShardStatus, statusByte, statusOfByte } from "./shard_status.ts";

/** As they are on disks; a number once given stays. */
const STORED: readonly (readonly [ShardStatus, number])[] = [
  ["Serving", 0],
  ["Pulling", 1],
  ["BePulling", 2],
  ["GCing", 3],
  ["Frozen", 4],
  ["Leaving", 5],
];

const SHARD: Shard = {
  ...emptyShard(7, 0x01020304, "BePulling"),
  keys: 2 ** 33 + 1,
  bytes: 2 ** 43 + 2,
  changes: 2 ** 34 + 3,
  changeBytes: 2 ** 35 + 4,
  cursor: new Uint8Array(changeCursor(5)),
};

Deno.test("decodeShard() reads what encodeShard() wrote, in every status and of any size", () => {
  for (const [status] of STORED) {
    for (const cursor of [SHARD.cursor, new Uint8Array()]) {
      const shard = { ...SHARD, status, cursor };
      assertEquals(decodeShard(7, encodeShard(shard)), shard);
    }
  }
});

Deno.test("a status is stored as it was by earlier versions", () => {
  for (const [status, byte] of STORED) {
    assertEquals([statusByte(status), statusOfByte(byte)], [byte, status]);
  }
  assertEquals(
    encodeShard(SHARD).toString("hex"),
    "02" + "01020304" + "0000000200000001" + "0000080000000002" + "0000000400000003" +
      "0000000800000004" + "030000000000000005",
  );
});

Deno.test("decodeShard() refuses a record that is cut off or has a status of a later version", () => {
  const record = encodeShard({ ...SHARD, cursor: new Uint8Array() });
  for (let length = 0; length < record.length; length++) {
    assertThrows(() => decodeShard(7, record.subarray(0, length)), SyntaxError, "too few");
  }
  record[0] = STORED.length;
  assertThrows(() => decodeShard(7, record), SyntaxError, "Cannot read shard status 6");
});
