import { assertMatch, assertThrows } from "@std/assert";
import { checkDenoVersion, VERSION } from "./version.ts";

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
