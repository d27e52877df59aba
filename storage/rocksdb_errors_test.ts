import { assertEquals, assertStrictEquals } from "@std/assert";
import { isNotFound, toEngineError } from "./rocksdb_errors.ts";

Deno.test("toEngineError() tells kinds apart by what RocksDB 6.17 says", () => {
  const kindOf = (message: string) => toEngineError("open", "/db", new Error(message)).kind;
  assertEquals(
    kindOf("IO error: While lock file: /db/LOCK: Resource temporarily unavailable"),
    "locked",
  );
  assertEquals(kindOf("IO error: lock hold by current process, acquire time 1"), "locked");
  assertEquals(kindOf("Corruption: CURRENT file corrupted"), "corruption");
  assertEquals(kindOf("Corruption: block checksum mismatch"), "corruption");
  assertEquals(
    kindOf("IO error: No space left on deviceWhile appending to file: /db/4.log"),
    "diskFull",
  );
  const missing = "IO error: No such file or directoryWhile open";
  assertEquals(kindOf(`${missing} a file for random read: /db/000028.ldb`), "corruption");
  assertEquals(kindOf(`${missing}ing a file for sequentially reading: /db/MANIFEST`), "corruption");
  assertEquals(kindOf(`${missing} a file for appending: /db/36.log`), "io");
  assertEquals(kindOf("IO error: No such file or directory: /db/9.sst"), "io");
});

Deno.test("toEngineError() says what failed, where and why, and keeps the cause", () => {
  const cause = new Error("IO error: No space left on device");
  const error = toEngineError("write to", "/db", cause);
  assertEquals(
    error.message,
    "Cannot write to the database '/db': the disk is full (IO error: No space left on device)",
  );
  assertStrictEquals(error.cause, cause);
});

Deno.test("isNotFound() knows an absent key from a failure", () => {
  assertEquals(isNotFound(new Error("NotFound: ")), true);
  assertEquals(isNotFound(new Error("IO error: NotFound")), false);
});
