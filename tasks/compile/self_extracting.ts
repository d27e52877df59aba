/** A self-extracting executable: a shell script with the Deno runtime and a program behind it. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type ArchiveFile, tarOf } from "./tar.ts";

/** A packed archive, ready to be put into an executable. */
export interface Archive {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly paths: readonly string[];
}

/** What an executable is made of. */
export interface Parts {
  readonly program: string;
  /** Holds one file, `deno`; the same for all programs, which then share it on disk. */
  readonly runtime: Archive;
  /** Holds `<program>.js` and what lies beside it. */
  readonly app: Archive;
  /** Deno's flags; `$app` in them is the directory of the app's files. */
  readonly flags: readonly string[];
}

const template = await Deno.readTextFile(`${import.meta.dirname}/self_extracting.sh`);

/** Packs files; the slow part. */
export function pack(files: readonly ArchiveFile[]): Archive {
  const bytes = gzipSync(tarOf(files), { level: 6 });
  return { bytes, sha256: sha256(bytes), paths: files.map(({ path }) => path) };
}

/** The executable's bytes; the same for the same parts. */
export function selfExtracting(parts: Parts): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(script(parts));
  const { runtime, app } = parts;
  const whole = new Uint8Array(header.length + runtime.bytes.length + app.bytes.length);
  whole.set(header);
  whole.set(runtime.bytes, header.length);
  whole.set(app.bytes, header.length + runtime.bytes.length);
  return whole;
}

function script(parts: Parts): string {
  // The script tells its own length, which depends on how many digits that has.
  let bytes = template.length;
  for (;;) {
    const text = filled(parts, bytes);
    if (text.length === bytes) return signed(text);
    bytes = text.length;
  }
}

function filled({ program, runtime, app, flags }: Parts, headerBytes: number): string {
  const values: Readonly<Record<string, string>> = {
    // As long as what takes its place in the end.
    headerSum: "0".repeat(64),
    program,
    headerBytes: String(headerBytes),
    runtimeBytes: String(runtime.bytes.length),
    runtimeSum: runtime.sha256,
    appBytes: String(app.bytes.length),
    appSum: app.sha256,
    appFiles: app.paths.join(" "),
    flags: flags.map((flag) => `"${flag}"`).join(" "),
  };
  return template.replaceAll(/@([a-zA-Z]+)@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`Cannot fill in '${name}': it has no value`);
    return value;
  });
}

/** Line 2 holds the sum of all other lines. */
function signed(text: string): string {
  const lines = text.split("\n");
  const sum = sha256(new TextEncoder().encode([lines[0], ...lines.slice(2)].join("\n")));
  return [lines[0], `header_sum=${sum}`, ...lines.slice(2)].join("\n");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
