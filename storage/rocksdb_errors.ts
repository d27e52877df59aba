/** What RocksDB's messages mean: it gives its errors no codes. */
import { EngineError, type EngineErrorKind } from "./engine.ts";

/** Beginnings and parts of RocksDB's own messages; the first match decides. */
const KINDS: readonly (readonly [RegExp, EngineErrorKind])[] = [
  [/While lock file|lock hold by current process/, "locked"],
  [/^Corruption/, "corruption"],
  // A table or a manifest that is named in another file, as when that one has lost its end.
  [/No such file or directory\s*While open(ing)? a file for (random|sequential)/, "corruption"],
  [/No space left on device/, "diskFull"],
];

const ADVICE: Readonly<Record<EngineErrorKind, string>> = {
  locked: "it is in use by another process, or by this one already",
  corruption: "its files are damaged; wipe the directory and let the node rejoin as a new member",
  diskFull: "the disk is full",
  io: "the disk or the file system refused",
};

/** True if RocksDB says that a key is absent. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NotFound");
}

/**
 * @param action What failed: "open", "write to"
 * @param path The database's directory
 * @param cause What the binding reported; kept as the cause
 */
export function toEngineError(action: string, path: string, cause: unknown): EngineError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const kind = KINDS.find(([pattern]) => pattern.test(message))?.[1] ?? "io";
  return new EngineError(
    kind,
    `Cannot ${action} the database '${path}': ${ADVICE[kind]} (${message.trim()})`,
    { cause },
  );
}
