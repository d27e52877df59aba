/** The executables of `deno task compile`, on a machine that has nothing but them. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PROGRAMS } from "../../tasks/compile/programs.ts";
import type { CommandResult } from "./command_line.ts";
import { ExecutablesFolder } from "./executables_folder.ts";
import { runReadme } from "./readme_commands.ts";

/** So that the tests know which way is taken, whatever this machine has. */
const NO_RUNTIME = "/nowhere/denort";

let folder: ExecutablesFolder;
let built: CommandResult;
Deno.test.beforeAll(async () => {
  folder = await ExecutablesFolder.create();
  built = await folder.compile(NO_RUNTIME, "output");
  assertEquals(built.code, 0, built.stderr);
});
Deno.test.afterAll(async () => {
  await folder.remove();
});

Deno.test("the executables do every step of eRaft's README, with the lines it prints", async () => {
  const { outputs, startupLines, dashboard, stopCodes } = await runReadme(folder);
  assertEquals(startupLines.length, 10);
  const { nodesUp, nodesTotal, groups } = dashboard.overview;
  assertEquals([nodesUp, nodesTotal, groups], [9, 9, 2]);
  for (const id of [0, 1, 2]) {
    const lines = [
      `ShardCtrler server ${id} listening on localhost:5005${id + 1}`,
      `ShardKV group 100 node ${id} listening on localhost:600${id + 1}`,
      `ShardKV group 101 node ${id} listening on localhost:700${id + 1}`,
    ];
    for (const line of lines) {
      const pattern = new RegExp(`^\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d ${line}$`);
      assert(startupLines.some((said) => pattern.test(said)), `${line}: ${startupLines}`);
    }
  }
  assertEquals(outputs.length, 8);
  const [join100, join101, put, get, append, bench = "", kv = "", ctrler = ""] = outputs;
  assertEquals([join100, join101], ["Join OK\n", "Join OK\n"]);
  assertEquals([put, get, append], ["Put OK\n", "myvalue\n", "Append OK\n"]);
  assertMatch(bench, benchOutput);
  assertMatch(
    kv,
    /^GID-ID {5}Address {19}Role {12}Term {7}Applied {4}Commit {10}Storage\(B\) {5}\n-{105}\n/,
  );
  for (const id of ["100-0", "100-1", "100-2", "101-0", "101-1", "101-2"]) {
    assertMatch(kv, new RegExp(`^${id} {6}localhost:[67]00\\d {12}(Leader  |Follower) `, "m"));
  }
  assertMatch(kv, /^ {2}ShardID {4}Status {10}Keys {12}Bytes {10}\n/m);
  assertMatch(
    ctrler,
    /^ID {4}Address {19}Role {12}Term {7}Applied {4}Commit {10}Storage\(B\) {5}\n-{100}\n/,
  );
  assertEquals(ctrler.match(/ Leader /g)?.length, 1);
  assertEquals(ctrler.match(/ Follower /g)?.length, 2);
  assertEquals(stopCodes, Array(10).fill(0));
});

/** eRaft's lines, in its order; ours may follow. */
const benchOutput = new RegExp(
  [
    /^Starting benchmark with 1000 requests using 1 concurrent clients\.\.\.\n/,
    /(Progress: \d+ requests completed\.\.\.\n){9,10}\nBenchmark Results:\n={18}\n/,
    /Total Requests: {4}1000\nConcurrent Clients: 1\nSuccessful: {8}1000\nFailed: {12}0\n/,
    /Duration: {10}[0-9.]+m?s\nThroughput: {8}\d+\.\d\d req\/s\nAvg Latency: {7}\d+\.\d\d ms\n/,
  ].map(({ source }) => source).join(""),
);

Deno.test("nine servers and five programs share what they unpack, and leave nothing behind", async () => {
  for (const { name } of PROGRAMS) await folder.run(`./output/${name} -version`);
  const names = folder.unpacked();
  // One runtime, five programs.
  assertEquals(names.filter((name) => /^[0-9a-f]{64}$/.test(name)).length, 6, names.join(" "));
  assertEquals(names.filter((name) => name.startsWith(".tmp")), []);
});

Deno.test("the executables tell their versions with an empty PATH and a home nobody can write to", async () => {
  for (const { name } of PROGRAMS) {
    const { code, stdout, stderr } = await folder.run(`./output/${name} -version`, {
      path: "",
      home: "/proc",
    });
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assertMatch(lines[0] ?? "", new RegExp(`^${name} \\d+\\.\\d+\\.\\d+$`));
    assertEquals(lines[1], "revision: test");
    assertEquals(lines[2], `Deno: ${Deno.version.deno}`);
    assertMatch(lines[3] ?? "", /^RocksDB: \d+\.\d+\.\d+ \(npm package rocksdb \d+\.\d+\.\d+\)$/);
  }
});

Deno.test("an executable passes arguments and exit codes on", async () => {
  const usage = await folder.run("./output/shardkvclient put 'a b'");
  assertEquals(usage, { code: 2, stdout: "Usage: put <key> <value>\n", stderr: "" });
  const id = await folder.run("./output/shardctrlerserver -id 9 -cluster localhost:1");
  assertEquals(id.code, 1);
  assertMatch(id.stderr, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d invalid id 9\n$/);
  const silent = await folder.run(
    "./output/shardctrlerclient -cluster localhost:1 -timeout 1s query",
  );
  assertEquals(silent.code, 4);
});

Deno.test("a damaged executable says so and unpacks nothing", async () => {
  const empty = await Deno.makeTempDir({ dir: folder.directory });
  const whole = await Deno.readFile(`${folder.directory}/output/shardkvclient`);
  const flipped = whole.slice();
  const middle = whole.length >>> 1;
  flipped[middle] = (flipped[middle] ?? 0) ^ 1;
  const cases = [[whole.subarray(0, middle), "bytes instead of"], [
    flipped,
    "has changed",
  ]] as const;
  for (const [bytes, reason] of cases) {
    const file = `${folder.directory}/damaged`;
    await Deno.writeFile(file, bytes, { mode: 0o755 });
    // What a whole executable has unpacked would serve as well.
    const { code, stdout, stderr } = await folder.run(`env TMPDIR=${empty} ./damaged -version`);
    assertEquals([code, stdout], [65, ""]);
    assertStringIncludes(stderr, "shardkvclient: Cannot start: this file is damaged: ");
    assertStringIncludes(stderr, reason);
  }
  const unpacked = (await Array.fromAsync(Deno.readDir(`${empty}/eraft-${Deno.uid()}`)))
    .map(({ name }) => name);
  assertEquals(unpacked.filter((name) => name !== ".lock"), []);
});

Deno.test("deno task compile says which way it took and why, how large the files are and how fast", () => {
  const { stdout, stderr } = built;
  assertEquals(stderr, "");
  assertMatch(stdout, /^Not by deno compile: Cannot run '.*deno compile': .*\/nowhere\/denort/m);
  assertMatch(stdout, /^By bundle: self-extracting files with this Deno inside$/m);
  for (const { name } of PROGRAMS) {
    const line = new RegExp(`^${name} +\\d+\\.\\d MiB, first start \\d+ ms, later \\d+ ms$`, "m");
    assertMatch(stdout, line);
  }
});

Deno.test("deno task compile makes the same bytes from the same sources", async () => {
  const { code, stderr } = await folder.compile(
    NO_RUNTIME,
    "again",
    "-way=bundle",
    "shardkvserver",
  );
  assertEquals([code, stderr], [0, ""]);
  const [first, second] = await Promise.all(
    ["output", "again"].map((out) => Deno.readFile(`${folder.directory}/${out}/shardkvserver`)),
  );
  assert(first !== undefined && second !== undefined && equalBytes(first, second));
});

Deno.test("deno task compile does not hand out what does not run", async () => {
  // Deno puts the program into this one, which does not know what to do with it.
  const { code, stderr } = await folder.compile(
    "/bin/true",
    ...["none", "-way=compile", "shardctrlerclient"],
  );
  assertEquals(code, 1);
  assertMatch(stderr, /^Cannot use what deno compile made: /);
  assertEquals(await Array.fromAsync(Deno.readDir(`${folder.directory}/none`)), []);
});

/** A difference in fifty million bytes is not to be printed. */
function equalBytes(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && first.every((byte, index) => byte === second[index]);
}
