/** Which version this is, and which Deno it runs on. */
import config from "../deno.json" with { type: "json" };

/** This project's version. */
export const VERSION: string = config.version;

/** Version of the npm package that brings RocksDB. */
const rocksdbPackage = config.imports.rocksdb.replace(/^.*@/, "");

/** RocksDB's own version, which the package's binding does not tell; a test compares it. */
const ROCKSDB_VERSION = "6.17.3";

/** What a build leaves for the program it wraps, before the program starts. */
interface Build {
  readonly eraftRevision?: unknown;
}

/** The four versions a bug report needs, a line each. */
export function versionText(program: string): string {
  const { eraftRevision: revision = "unknown (run from its sources)" } = globalThis as Build;
  return `${program} ${VERSION}\n` +
    `revision: ${revision}\n` +
    `Deno: ${Deno.version.deno}\n` +
    `RocksDB: ${ROCKSDB_VERSION} (npm package rocksdb ${rocksdbPackage})\n`;
}

const DENO_WANTED = "2.9.3";

/** These abort the whole process when an HTTP/2 client sends GOAWAY, which every client does. */
const DENO_REFUSED: readonly string[] = ["2.9.4", "2.9.5", "2.9.6"];

/**
 * Refuses a Deno that is known to crash under load.
 *
 * @throws {Error} On such a version; one line that says which to use instead
 */
export function checkDenoVersion(current: string = Deno.version.deno): void {
  if (!DENO_REFUSED.includes(current.replace(/[-+].*$/, ""))) return;
  throw new Error(
    `Cannot run on Deno ${current}: it aborts when an HTTP/2 client says goodbye; ` +
      `use Deno ${DENO_WANTED}: npx -y deno@${DENO_WANTED} ...`,
  );
}
