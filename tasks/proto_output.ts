/** What is done to generated protobuf code before it is kept: the slow spots of ts-proto's output. */

/** What generated code uses of proto/wire.ts. */
const WIRE_NAMES = ["asBuffer", "EMPTY", "MessageWriter", "readInt64", "readUint64"] as const;
const WIRE_IMPORT = /^import \{[^}]*\} from "\.\.\/wire\.ts";\n/m;
/** Its conversion by way of BigInt and text, at the end of a file. */
const LONG_TO_NUMBER = /\nfunction longToNumber\([\s\S]*?\n\}\n/;

/**
 * Rewrites a generated file so that `bytes` fields are views on the message instead of copies, and
 * numbers of 64 bits are read without a BigInt and its text.
 *
 * Running it on its own output changes nothing.
 *
 * @throws {SyntaxError} When the file has no import to put the prelude before
 */
export function improveGenerated(source: string): string {
  const body = source
    .replace(WIRE_IMPORT, "")
    .replaceAll("Buffer.alloc(0)", "EMPTY")
    .replaceAll("= new BinaryWriter()", "= MessageWriter.take()")
    // What a reader of a Buffer hands out are Buffers; of a plain array they would only claim to be.
    .replaceAll("new BinaryReader(input)", "new BinaryReader(asBuffer(input))")
    .replaceAll("Buffer.from(reader.bytes())", "(reader.bytes() as Buffer)")
    .replaceAll("longToNumber(reader.uint64())", "readUint64(reader)")
    .replaceAll("longToNumber(reader.int64())", "readInt64(reader)")
    .replace(LONG_TO_NUMBER, "")
    .replaceAll(
      /Buffer\.from\(([A-Za-z.]+)\.encode\(value\)\.finish\(\)\)/g,
      "asBuffer($1.encode(value).finish())",
    );
  const firstImport = body.search(/^import /m);
  if (firstImport < 0) {
    throw new SyntaxError("Cannot improve a generated file: it has no import");
  }
  const names = WIRE_NAMES.filter((name) => body.includes(name));
  const wire = names.length === 0 ? "" : `import { ${names.join(", ")} } from "../wire.ts";\n`;
  return body.slice(0, firstImport) + wire + body.slice(firstImport);
}

/** What is on disk compared with what the protos give, by file name. */
export interface GeneratedDifference {
  readonly missing: readonly string[];
  readonly stale: readonly string[];
  readonly superfluous: readonly string[];
}

/** Compares two sets of files, both by name. */
export function compareGenerated(
  committed: ReadonlyMap<string, string>,
  fresh: ReadonlyMap<string, string>,
): GeneratedDifference {
  const names = [...fresh.keys()].sort();
  return {
    missing: names.filter((name) => !committed.has(name)),
    stale: names.filter((name) => committed.has(name) && committed.get(name) !== fresh.get(name)),
    superfluous: [...committed.keys()].filter((name) => !fresh.has(name)).sort(),
  };
}
