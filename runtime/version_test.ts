import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { checkDenoVersion, VERSION, versionText } from "./version.ts";

Deno.test("VERSION is the version in deno.json", () => {
  assertMatch(VERSION, /^\d+\.\d+\.\d+/);
});

Deno.test("checkDenoVersion() refuses the versions that abort and names the one to use", () => {
  for (const version of ["2.9.4", "2.9.5", "2.9.6", "2.9.6+abc"]) {
    assertThrows(() => checkDenoVersion(version), Error, "use Deno 2.9.3: npx -y deno@2.9.3");
  }
  for (const version of ["2.9.3", "2.9.40", "2.9.7", "2.10.0", "12.9.4"]) checkDenoVersion(version);
  checkDenoVersion();
});

Deno.test("versionText() tells the program's, Deno's and RocksDB's versions, a line each", () => {
  const lines = versionText("kv").split("\n");
  assertEquals(lines[0], `kv ${VERSION}`);
  assertEquals(lines[1], "revision: unknown (run from its sources)");
  assertEquals(lines[2], `Deno: ${Deno.version.deno}`);
  assertMatch(lines[3] ?? "", /^RocksDB: \d+\.\d+\.\d+ \(npm package rocksdb \d+\.\d+\.\d+\)$/);
});

Deno.test("versionText() tells the version of the RocksDB that the npm package is built from", async () => {
  const rocksdb = `${import.meta.dirname}/../node_modules/rocksdb`;
  const header = await Deno.readTextFile(
    `${rocksdb}/deps/rocksdb/rocksdb/include/rocksdb/version.h`,
  );
  const numbers = ["MAJOR", "MINOR", "PATCH"].map((part) =>
    new RegExp(`ROCKSDB_${part} (\\d+)`).exec(header)?.[1]
  );
  const { version } = JSON.parse(await Deno.readTextFile(`${rocksdb}/package.json`));
  assertStringIncludes(
    versionText("kv"),
    `RocksDB: ${numbers.join(".")} (npm package rocksdb ${version})`,
  );
});
