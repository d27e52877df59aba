import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { asBuffer, compareBytes, copyBuffer } from "./buffers.ts";

Deno.test("asBuffer() shares the memory of exactly the view it is given", () => {
  const memory = new Uint8Array([1, 2, 3, 4]);
  const buffer = asBuffer(memory.subarray(1, 3));
  assert(Buffer.isBuffer(buffer));
  assertEquals([...buffer], [2, 3]);
  memory[1] = 9;
  assertEquals([...buffer], [9, 3]);
  assertStrictEquals(asBuffer(buffer), buffer);
});

Deno.test("copyBuffer() shares nothing", () => {
  const bytes = new Uint8Array([1, 2]);
  const copy = copyBuffer(bytes);
  bytes[0] = 9;
  assertEquals([...copy], [1, 2]);
});

Deno.test("compareBytes() orders as Buffer.compare() does", () => {
  const bytes = fc.array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { maxLength: 4 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const [x, y] = [Buffer.from(a), Buffer.from(b)];
      assertEquals(Math.sign(compareBytes(x, y)), Buffer.compare(x, y));
    }),
    { seed: 1 },
  );
});
