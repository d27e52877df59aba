import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FlagError, HelpRequested } from "../runtime/flags.ts";
import { parseServerFlags } from "./server_flags.ts";

Deno.test("parseServerFlags() knows eRaft's flags and defaults", () => {
  assertEquals(parseServerFlags([]), {
    id: 0,
    members: ["127.0.0.1:50051", "127.0.0.1:50052", "127.0.0.1:50053"],
    directory: "data/shardctrler_0",
    listen: undefined,
    join: undefined,
    shards: undefined,
    clusterToken: "eraft",
    forward: true,
    tickMs: 100,
    electionTicks: 10,
    leaseReads: false,
    retainedEntriesMax: 10_000,
    retainedBytesMax: 33_554_432,
    logLevel: "info",
    logFormat: "text",
    exitWithParent: false,
  });
  const settings = parseServerFlags(["-id", "1", "--cluster=a:1,b:2", "-db", "data/sc"]);
  assertEquals([settings.id, settings.members, settings.directory], [
    1,
    ["a:1", "b:2"],
    "data/sc_1",
  ]);
});

Deno.test("parseServerFlags() takes our own flags", () => {
  const settings = parseServerFlags(
    "-shards 10 -forward=false -tick 50ms -election-ticks 20 -listen 0.0.0.0:7 -cluster-token x"
      .split(" "),
  );
  assertEquals(settings.shards, 10);
  assertEquals(settings.forward, false);
  assertEquals([settings.tickMs, settings.electionTicks], [50, 20]);
  assertEquals([settings.listen, settings.clusterToken], ["0.0.0.0:7", "x"]);
});

Deno.test("parseServerFlags() refuses nonsense and says what would be right", () => {
  const cases: [string[], string][] = [
    [["-id", "x"], 'invalid value "x" for flag -id: it must be an integer'],
    [["-cluster", "nonsense"], "it must be host:port, like localhost:50051"],
    [["-cluster", "a:1,a:1"], "a:1 is listed twice"],
    [["-shards", "0"], 'invalid value "0" for flag -shards: it must be 1 to 16384'],
    [["-shards", "16385"], "it must be 1 to 16384"],
    [["-db", ""], 'invalid value "" for flag -db: it must name a path'],
    [["-tick", "0s"], "it must be 1ms to 1m0s"],
    [["-listen", "50051"], "it must be host:port, like localhost:50051"],
    [["-wat"], "flag provided but not defined: -wat"],
    [["start"], "unexpected argument: start"],
  ];
  for (const [args, message] of cases) {
    const { text } = assertThrows(() => parseServerFlags(args), FlagError);
    assertStringIncludes(text, message);
    assertStringIncludes(text, "Usage of shardctrlerserver:");
  }
  const { text } = assertThrows(() => parseServerFlags(["-h"]), HelpRequested);
  assertStringIncludes(text, "shards of a new cluster, for good (default 64)");
});
