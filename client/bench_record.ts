/** A file of what a benchmark had acknowledged, to be checked after a crash. */
import { createHash } from "node:crypto";
import type { AppendFile, KvCliIo } from "./kv_cli_io.ts";

/** Characters of the record that wait to be written together. */
const recordCharsMax = 65_536;

/** The record cannot be opened. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

/** Lines of `{"key", "sha256"}`, one per acknowledged put. */
export class BenchRecord {
  readonly #file: AppendFile;
  #waiting = "";

  constructor(file: AppendFile) {
    this.#file = file;
  }

  /** @throws {RecordError} When the file cannot be opened */
  static open(path: string, io: KvCliIo): BenchRecord {
    try {
      return new BenchRecord(io.openAppend(path));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RecordError(`Cannot open the record ${path}: ${reason}`, { cause });
    }
  }

  add(key: string, value: string): void {
    const sha256 = createHash("sha256").update(value).digest("hex");
    this.#waiting += `${JSON.stringify({ key, sha256 })}\n`;
    if (this.#waiting.length >= recordCharsMax) this.#flush();
  }

  close(): void {
    this.#flush();
    this.#file.close();
  }

  #flush(): void {
    this.#file.append(this.#waiting);
    this.#waiting = "";
  }
}
