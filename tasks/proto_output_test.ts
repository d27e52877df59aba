import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { compareGenerated, improveGenerated } from "./proto_output.ts";

const GENERATED = `// source: a.proto

/* eslint-disable */
import { BinaryReader } from "x";

const base = { key: Buffer.alloc(0), value: Buffer.alloc(0) };
const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
message.key = Buffer.from(reader.bytes());
message.term = longToNumber(reader.uint64());
message.delta = longToNumber(reader.int64());
encode(message: Request, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
serialize: (value) => Buffer.from(Request.encode(value).finish()),

function longToNumber(int64: { toString(): string }): number {
  const num = globalThis.Number(int64.toString());
  return num;
}
`;

Deno.test("improveGenerated() shares the empty buffer and takes views instead of copies", () => {
  const improved = improveGenerated(GENERATED);
  assertStringIncludes(improved, "{ key: EMPTY, value: EMPTY }");
  assertStringIncludes(improved, "message.key = (reader.bytes() as Buffer);");
  assertStringIncludes(improved, "asBuffer(Request.encode(value).finish())");
  assertStringIncludes(improved, "new BinaryReader(asBuffer(input))");
  assertStringIncludes(improved, "writer: BinaryWriter = MessageWriter.take())");
  assertStringIncludes(
    improved,
    'import { asBuffer, EMPTY, MessageWriter, readInt64, readUint64 } from "../wire.ts";\nimport ',
  );
});

Deno.test("improveGenerated() reads numbers of 64 bits without BigInt", () => {
  const improved = improveGenerated(GENERATED);
  assertStringIncludes(improved, "message.term = readUint64(reader);");
  assertStringIncludes(improved, "message.delta = readInt64(reader);");
  assertEquals(improved.includes("longToNumber"), false);
});

Deno.test("improveGenerated() imports no more than a file uses", () => {
  const source = 'import { BinaryReader } from "x";\nconst base = { key: Buffer.alloc(0) };\n';
  assertStringIncludes(improveGenerated(source), 'import { EMPTY } from "../wire.ts";\n');
  const plain = 'import { BinaryReader } from "x";\n';
  assertEquals(improveGenerated(plain), plain);
});

Deno.test("improveGenerated() changes nothing when run again", () => {
  const once = improveGenerated(GENERATED);
  assertEquals(improveGenerated(once), once);
});

Deno.test("improveGenerated() refuses a file without imports", () => {
  assertThrows(() => improveGenerated("const x = 1;\n"), SyntaxError, "it has no import");
});

Deno.test("compareGenerated() tells missing, stale and superfluous files apart", () => {
  const committed = new Map([["a.ts", "1"], ["b.ts", "2"], ["old.ts", "3"]]);
  const fresh = new Map([["a.ts", "1"], ["b.ts", "changed"], ["c.ts", "4"]]);
  assertEquals(compareGenerated(committed, fresh), {
    missing: ["c.ts"],
    stale: ["b.ts"],
    superfluous: ["old.ts"],
  });
});
