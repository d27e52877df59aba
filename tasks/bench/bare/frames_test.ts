import { assertEquals } from "@std/assert";
import {
  decodeNumbers,
  encodeEntry,
  encodeNumbers,
  encodeRequest,
  ENTRY_HEAD_BYTES,
  forEachPut,
  requestNumber,
} from "./frames.ts";

Deno.test("an entry holds the puts of all its requests, in order", () => {
  const requests = [
    encodeRequest(7, [["a", "1"], ["key", "x".repeat(300)]]),
    encodeRequest(8, []),
    encodeRequest(9, [["b", ""]]),
  ];
  assertEquals(requests.map(requestNumber), [7, 8, 9]);
  const entry = encodeEntry(3, 2, requests);
  assertEquals(decodeNumbers(entry.subarray(0, ENTRY_HEAD_BYTES)), [3, 2]);
  const puts: [string, string][] = [];
  forEachPut(entry.subarray(ENTRY_HEAD_BYTES), (key, value) => {
    puts.push([key.toString(), value.toString()]);
  });
  assertEquals(puts, [["a", "1"], ["key", "x".repeat(300)], ["b", ""]]);
});

Deno.test("numbers survive the way there and back", () => {
  assertEquals(decodeNumbers(encodeNumbers([0, 1, 2 ** 32 - 1])), [0, 1, 2 ** 32 - 1]);
});
