import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  boolFlag,
  choiceFlag,
  defineFlags,
  durationFlag,
  FlagError,
  HelpRequested,
  intFlag,
  stringFlag,
  valueFlag,
  VersionRequested,
} from "./flags.ts";
import { VERSION } from "./version.ts";

const flags = defineFlags("shardkvserver", {
  id: intFlag({ default: 0, min: 0, max: 7, help: "position in -cluster" }),
  cluster: stringFlag({ default: "localhost:6001", help: "`addresses` of the group" }),
  timeout: durationFlag({ default: 30_000, help: "time a call may take" }),
  json: boolFlag({ help: "print JSON" }),
  forward: boolFlag({ default: true, help: "pass calls on" }),
  electionTicks: intFlag({ default: 10, help: "ticks without a leader" }),
  o: choiceFlag({ default: "simple", choices: ["simple", "json"], help: "output" }),
});

Deno.test("defineFlags() gives the defaults when no flag is given", () => {
  const { values, rest, given } = flags.parse([]);
  assertEquals(values, {
    id: 0,
    cluster: "localhost:6001",
    timeout: 30_000,
    json: false,
    forward: true,
    electionTicks: 10,
    o: "simple",
  });
  assertEquals([rest.length, given.size], [0, 0]);
});

Deno.test("defineFlags() takes every spelling Go takes", () => {
  for (
    const args of [
      ["-id", "3", "-json", "-timeout", "1m30s", "-election-ticks", "5"],
      ["-id=3", "-json=true", "-timeout=1m30s", "-election-ticks=5"],
      ["--id", "3", "--json", "--timeout", "1m30s", "--election-ticks", "5"],
      ["--id=3", "--json=T", "--timeout=1m30s", "--election-ticks=0x5"],
    ]
  ) {
    const { values } = flags.parse(args);
    assertEquals(
      [values.id, values.json, values.timeout, values.electionTicks],
      [3, true, 90_000, 5],
    );
  }
});

Deno.test("defineFlags() stops at the first argument that is no flag", () => {
  const { values, rest } = flags.parse(["-id", "1", "put", "-id", "2"]);
  assertEquals([values.id, rest], [1, ["put", "-id", "2"]]);
  assertEquals(flags.parse(["-json", "--", "-id"]).rest, ["-id"]);
  assertEquals(flags.parse(["-", "-id"]).rest, ["-", "-id"]);
  assertEquals(flags.parse(["-json", "false"]).rest, ["false"]);
});

Deno.test("defineFlags() lets the last of a repeated flag win and keeps odd values", () => {
  assertEquals(flags.parse(["-id=1", "-id=2"]).values.id, 2);
  assertEquals(flags.parse(["-cluster="]).values.cluster, "");
  assertEquals(flags.parse(["-cluster", "-id"]).values.cluster, "-id");
  assertEquals(flags.parse(["-cluster=a=b\nc"]).values.cluster, "a=b\nc");
  assertEquals(flags.parse(["-forward=0"]).values.forward, false);
  assert(flags.parse(["-forward=0"]).given.has("forward"));
});

Deno.test("defineFlags() refuses what it does not know, in Go's words", () => {
  const known: [string[], string][] = [
    [["-x"], "flag provided but not defined: -x"],
    [["--x=1"], "flag provided but not defined: -x"],
    [["-electionTicks=1"], "flag provided but not defined: -electionTicks"],
    [["-id"], "flag needs an argument: -id"],
    [["---id"], "bad flag syntax: ---id"],
    [["-=1"], "bad flag syntax: -=1"],
    [["-id", "abc"], 'invalid value "abc" for flag -id: it must be an integer'],
    [["-id", ""], 'invalid value "" for flag -id: it must be an integer'],
    [["-id=8"], 'invalid value "8" for flag -id: it must be 0 to 7'],
    [["-id=-1"], 'invalid value "-1" for flag -id: it must be 0 to 7'],
    [["-id=99999999999999999999"], "invalid value"],
    [["-json=maybe"], 'invalid boolean value "maybe" for -json: it must be true or false'],
    [["-timeout=5"], 'invalid value "5" for flag -timeout: it must be a duration'],
    [["-timeout=-5s"], 'invalid value "-5s" for flag -timeout: it must be 0s to 596h31m23.647s'],
    [["-timeout=597h"], 'invalid value "597h" for flag -timeout: it must be 0s to 596h31m23.647s'],
    [["-o=xml"], 'invalid value "xml" for flag -o: it must be one of simple, json'],
  ];
  for (const [args, message] of known) {
    const error = assertThrows(() => flags.parse(args), FlagError, message);
    assertEquals(error.exitCode, 2);
    assertStrictEquals(error.text, `${error.message}\n${flags.usage}`);
  }
});

Deno.test("intFlag() reads the bases of Go's literals", () => {
  const numbers = defineFlags("n", { n: intFlag({ default: 0, help: "a number" }) });
  const known: [string, number][] = [
    ["0", 0],
    ["-0", 0],
    ["0x1F", 31],
    ["017", 15],
    ["0o17", 15],
    ["0b101", 5],
    ["-0x10", -16],
    ["+7", 7],
    ["1_000", 1_000],
    ["0x_ff", 255],
  ];
  for (const [text, value] of known) {
    assertEquals(numbers.parse(["-n", text]).values.n, value, text);
  }
  for (const text of ["08", "1.5", "1e3", "0x", "1__0", "_1", "1_", " 1", "0xg", "Infinity"]) {
    assertThrows(() => numbers.parse(["-n", text]), FlagError, "integer", text);
  }
});

Deno.test("valueFlag() shows its parser's reason", () => {
  const parse = (text: string): URL => new URL(text);
  const set = defineFlags("n", {
    at: valueFlag<URL | undefined>({
      default: undefined,
      placeholder: "url",
      help: "where",
      parse,
    }),
  });
  assertEquals(set.parse(["-at=http://a/"]).values.at?.host, "a");
  assertThrows(() => set.parse(["-at=:"]), FlagError, 'invalid value ":" for flag -at: ');
});

Deno.test("defineFlags() prints the usage as Go does", () => {
  const set = defineFlags("kv", {
    z: boolFlag({ help: "last" }),
    cluster: stringFlag({ default: "a:1", help: "`addresses` of the group" }),
    id: intFlag({ default: 0, help: "position" }),
    wait: durationFlag({ default: 90_000, help: "patience" }),
  }, { trailer: "Commands: get, put" });
  const expected = [
    "Usage of kv:",
    "  -cluster addresses",
    '    \taddresses of the group (default "a:1")',
    "  -id int",
    "    \tposition",
    "  -wait duration",
    "    \tpatience (default 1m30s)",
    "  -z",
    "    \tlast",
    "Commands: get, put",
    "",
  ];
  for (const flag of ["-h", "-help", "--help"]) {
    const help = assertThrows(() => set.parse([flag]), HelpRequested);
    assertEquals([help.text, help.exitCode], [expected.join("\n"), 0]);
  }
});

Deno.test("defineFlags() knows -version only where it was asked for, and lists it there", () => {
  const set = defineFlags("kv", {
    z: boolFlag({ help: "last" }),
    id: intFlag({ default: 0, help: "position" }),
  }, { hasVersion: true });
  for (const flag of ["-version", "--version"]) {
    const { text, exitCode } = assertThrows(() => set.parse(["-id=1", flag]), VersionRequested);
    assertEquals([text.split("\n")[0], exitCode], [`kv ${VERSION}`, 0]);
  }
  assertEquals(set.usage.split("\n").filter((line) => line.startsWith("  -")), [
    "  -id int",
    "  -version",
    "  -z",
  ]);
  assertThrows(() => flags.parse(["-version"]), FlagError, "not defined: -version");
});
