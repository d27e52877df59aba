import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { pack, selfExtracting } from "./self_extracting.ts";

/** Takes Deno's place: tells its arguments, and notes that it was unpacked and tried. */
const RUNTIME = `#!/bin/sh
if [ "$1" = --version ]; then echo tried >>"\${0%/*}/tried"; exit; fi
echo "PATH: \${PATH-unset}"
printf '%s\\n' "$@"
exit 7
`;

const parts = {
  program: "kv",
  runtime: pack([
    { path: "deno", isExecutable: true, bytes: new TextEncoder().encode(RUNTIME) },
  ]),
  app: pack([
    { path: "kv.js", isExecutable: false, bytes: new TextEncoder().encode("1;\n") },
    { path: "lib/a.node", isExecutable: false, bytes: new Uint8Array(5_000) },
  ]),
  flags: ["--allow-net", "--allow-ffi=$app"],
};

const whole = selfExtracting(parts);
/** The archives are binary: what comes before is the script. */
const headerBytes = whole.length - parts.runtime.bytes.length - parts.app.bytes.length;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An executable in a directory of its own, beside an empty cache. */
class Installed {
  readonly directory: string;
  readonly file: string;
  readonly cache: string;

  constructor(bytes: Uint8Array = whole) {
    this.directory = Deno.makeTempDirSync({ prefix: "eraft exe_" });
    this.file = `${this.directory}/kv`;
    this.cache = `${this.directory}/cache`;
    Deno.writeFileSync(this.file, bytes, { mode: 0o755 });
  }

  /** Through sh, so that a damaged first line is not the kernel's to judge. */
  async run(env: Record<string, string>, ...args: string[]): Promise<Result> {
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: [this.file, ...args],
      // A damaged script may write where it should not.
      cwd: this.directory,
      clearEnv: true,
      env,
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  start(...args: string[]): Promise<Result> {
    return this.run({ ERAFT_CACHE: this.cache }, ...args);
  }

  names(): string[] {
    return [...Deno.readDirSync(this.cache)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

Deno.test("selfExtracting() gives the same bytes for the same parts", () => {
  assertEquals(selfExtracting(parts), whole);
  assertNotEquals(selfExtracting({ ...parts, flags: [] }), whole);
});

Deno.test("a self-extracting file hands over arguments, permissions, PATH and the exit code", async () => {
  using installed = new Installed();
  const { directory, cache } = installed;
  const args = ["put", "a b", "", "*", "'\"$x\\", "-n"];
  for (const path of ["", "/nowhere", undefined]) {
    const env = { ERAFT_CACHE: cache, ...(path === undefined ? {} : { PATH: path }) };
    const { code, stdout, stderr } = await installed.run(env, ...args);
    assertEquals([code, stderr], [7, ""]);
    const app = `${cache}/${parts.app.sha256}`;
    assertStringIncludes(stdout, `\n--allow-net\n--allow-ffi=${app}\n${app}/kv.js\n`);
    assertEquals(stdout.split("\n").slice(-7, -1), args);
    // dash, as sh, takes an unset PATH for its own default.
    if (path !== undefined) assertEquals(stdout.split("\n")[0], `PATH: ${path}`);
  }
  assertEquals(
    await Deno.readFile(`${directory}/cache/${parts.app.sha256}/lib/a.node`),
    new Uint8Array(5_000),
  );
});

Deno.test("a self-extracting file unpacks once, even when many start at once", async () => {
  using installed = new Installed();
  const results = await Promise.all(Array.from({ length: 9 }, () => installed.start("x")));
  for (const { code, stderr } of results) assertEquals([code, stderr], [7, ""]);
  await installed.start();
  const tried = await Deno.readTextFile(`${installed.cache}/${parts.runtime.sha256}/tried`);
  assertEquals(tried, "tried\n");
  assertEquals(installed.names(), [".lock", parts.app.sha256, parts.runtime.sha256].sort());
});

Deno.test("a self-extracting file unpacks anew what has lost a file", async () => {
  using installed = new Installed();
  await installed.start();
  await Deno.remove(`${installed.cache}/${parts.app.sha256}/lib/a.node`);
  assertEquals((await installed.start()).code, 7);
  assertEquals(installed.names().length, 3);
  await Deno.stat(`${installed.cache}/${parts.app.sha256}/lib/a.node`);
});

Deno.test("a self-extracting file goes on to the next place when one cannot be used", async () => {
  using installed = new Installed();
  const { directory } = installed;
  await Deno.writeTextFile(`${directory}/file`, "");
  await Deno.mkdir(`${directory}/tmp`);
  for (const home of [`${directory}/file`, "/proc/nowhere", `${directory}/with,comma`]) {
    const { code, stdout, stderr } = await installed.run({
      HOME: home,
      TMPDIR: `${directory}/tmp`,
    });
    assertEquals([code, stderr], [7, ""]);
    assertMatch(stdout, new RegExp(`${directory}/tmp/eraft-\\d+/`));
  }
});

Deno.test("a self-extracting file does not run what somebody else may have put there", async () => {
  using installed = new Installed();
  const { directory, cache } = installed;
  await installed.start();
  await Deno.mkdir(`${directory}/tmp`);
  const { code, stdout } = await new Deno.Command("id", { args: ["-u"] }).output();
  assertEquals(code, 0);
  const user = new TextDecoder().decode(stdout).trim();
  await Deno.symlink(cache, `${directory}/tmp/eraft-${user}`);
  const result = await installed.run({ TMPDIR: `${directory}/tmp` });
  assertEquals([result.code, result.stdout], [75, ""]);
  assertMatch(
    result.stderr,
    /^kv: Cannot start: there is no place to unpack \d+ MiB: .*ERAFT_CACHE/,
  );
});

Deno.test("a self-extracting file says that it was cut off, on every start", async () => {
  for (const kept of [whole.length - 1, headerBytes + 100, headerBytes, headerBytes - 1_000]) {
    using installed = new Installed(whole.subarray(0, kept));
    const { code, stdout, stderr } = await installed.start();
    assertEquals([code, stdout], [65, ""], stderr);
    assertStringIncludes(stderr, "kv: Cannot start: this file is damaged: ");
  }
  using installed = new Installed();
  await installed.start();
  await Deno.truncate(installed.file, whole.length - 1);
  assertEquals((await installed.start()).code, 65);
});

Deno.test("a self-extracting file notices a changed byte wherever it is, and unpacks nothing", async () => {
  const prng = createPrng(4);
  const positions = [
    ...Array.from({ length: 40 }, () => prng.below(headerBytes)),
    ...Array.from({ length: 20 }, () => headerBytes + prng.below(whole.length - headerBytes)),
    whole.length - 1,
  ];
  for (const position of positions) {
    const bytes = whole.slice();
    bytes[position] = (bytes[position] ?? 0) ^ (1 << prng.below(8));
    using installed = new Installed(bytes);
    const { code, stdout, stderr } = await installed.start();
    const where = `byte ${position}: ${stderr}`;
    // The runtime would have ended with 7.
    assert(code !== 0 && code !== 7, `${code}: ${where}`);
    assertEquals(stdout.includes("--allow-net"), false, where);
    if (position >= headerBytes) assertStringIncludes(stderr, "this file is damaged: its ", where);
  }
});

Deno.test("a self-extracting file removes what an interrupted start has left an hour ago", async () => {
  using installed = new Installed();
  const { cache } = installed;
  await Deno.mkdir(`${cache}/.tmp.old`, { recursive: true });
  await Deno.mkdir(`${cache}/.tmp.new`);
  await Deno.mkdir(`${cache}/another-version`);
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const name of [".tmp.old", "another-version"]) {
    await Deno.utime(`${cache}/${name}`, longAgo, longAgo);
  }
  await installed.start();
  const names = installed.names();
  assertEquals(names.filter((name) => name.startsWith(".tmp.")), [".tmp.new"]);
  assert(names.includes("another-version"));
});
