import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { FlagError } from "../../runtime/flags.ts";
import { parseClusterOptions } from "./options.ts";

Deno.test("parseClusterOptions() defaults to two groups of three on eRaft's ports", () => {
  assertEquals(parseClusterOptions([]), {
    groups: 2,
    replicas: 3,
    shards: 64,
    ctrlerPort: 50_051,
    groupPort: 6001,
    dashboard: { port: 8080, isChosen: false },
    db: "data",
    quiet: false,
  });
});

Deno.test("parseClusterOptions() takes one dash or two, and no directory for -ephemeral", () => {
  const options = parseClusterOptions(["-groups=1", "--group-port", "7000", "-ephemeral"]);
  assertEquals([options.groups, options.groupPort, options.db], [1, 7000, undefined]);
});

Deno.test("parseClusterOptions() takes a port for the dashboard, or none at all", () => {
  const { dashboard } = parseClusterOptions(["-dashboard-port", "9000"]);
  assertEquals(dashboard, { port: 9000, isChosen: true });
  assertEquals(parseClusterOptions(["-dashboard=false"]).dashboard, undefined);
});

Deno.test("parseClusterOptions() refuses what cannot work and says why", () => {
  const cases: [string[], string][] = [
    [["-groups", "0"], "-groups"],
    [["-replicas", "8"], "-replicas"],
    [["-shards", "x"], "-shards"],
    [["-ctrler-port", "6001"], "both -ctrler-port and -group-port lead to 6001"],
    [["-ctrler-port", "7002"], "lead to 7002"],
    [["-group-port", "65000"], "-group-port leads to 66000"],
    [["-dashboard-port", "6002"], "both -group-port and -dashboard-port lead to 6002"],
    [["-dashboard=false", "-dashboard-port", "9000"], "-dashboard=false and -dashboard-port"],
    [["-ephemeral", "-db", "x"], "-db and -ephemeral"],
    [["-db", ""], "must name a directory"],
    [["start"], "'start'"],
  ];
  for (const [args, part] of cases) {
    const error = assertThrows(() => parseClusterOptions(args), FlagError);
    assertStringIncludes(error.message, part);
  }
});
