import { assertEquals } from "@std/assert";
import { nodeKey } from "../../../storage/key_space.ts";
import { baseWrite, decodeBase, type LogBase } from "./log_base.ts";

const BASE: LogBase = {
  index: 2 ** 40,
  term: 3,
  since: 17,
  written: 16,
  hardState: { term: 4, vote: 2, commit: 2 ** 41 },
};

function bytesOf(base: LogBase): Buffer {
  const write = baseWrite(base);
  assertEquals(Buffer.from(write.key), nodeKey("logStart"));
  return write.type === "put" ? Buffer.from(write.value) : Buffer.of();
}

Deno.test("decodeBase() reads what baseWrite() puts under the log start's key", () => {
  assertEquals(decodeBase(bytesOf(BASE)), BASE);
});

Deno.test("decodeBase() finds every bit that has changed, and every byte that is missing", () => {
  const bytes = bytesOf(BASE);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const damaged = Buffer.from(bytes);
    damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    assertEquals(decodeBase(damaged), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(decodeBase(bytes.subarray(0, length)), undefined, `${length} bytes`);
  }
});
