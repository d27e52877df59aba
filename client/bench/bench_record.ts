/** A file of what a benchmark had acknowledged, to be checked after a crash. */
import { createHash } from "node:crypto";
import { OutputError } from "../cli/cli_streams.ts";
import type { AppendFile, KvCliIo } from "../cli/kv_cli_io.ts";

/** Characters of the record that wait to be written together. */
const RECORD_CHARS_MAX = 65_536;

/** The record cannot be opened or written. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

/** Lines of `{"key", "sha256"}`, one per acknowledged put. */
export class BenchRecord {
  readonly #path: string;
  readonly #file: AppendFile;
  #waiting = "";
  #failure: RecordError | undefined;

  constructor(path: string, file: AppendFile) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws {RecordError} When the file cannot be opened */
  static open(path: string, io: KvCliIo): BenchRecord {
    try {
      return new BenchRecord(path, io.openAppend(path));
    } catch (cause) {
      throw recordError("open", path, cause);
    }
  }

  add(key: string, value: string): void {
    const sha256 = createHash("sha256").update(value).digest("hex");
    this.#waiting += `${JSON.stringify({ key, sha256 })}\n`;
    if (this.#waiting.length >= RECORD_CHARS_MAX) this.#flush();
  }

  /** @throws {RecordError} When not all of it was written */
  close(): void {
    this.#flush();
    this.#file.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** A record with a gap proves nothing: after a failure no more is written. */
  #flush(): void {
    if (this.#failure === undefined) {
      try {
        this.#file.append(this.#waiting);
      } catch (cause) {
        this.#failure = recordError("write", this.#path, cause);
      }
    }
    this.#waiting = "";
  }
}

function recordError(verb: string, path: string, cause: unknown): RecordError {
  // Of what writeAll() says only the reason is about this file.
  const error = cause instanceof OutputError ? cause.cause : cause;
  const reason = error instanceof Error ? error.message : String(error);
  return new RecordError(`Cannot ${verb} the record ${path}: ${reason}`, { cause });
}
