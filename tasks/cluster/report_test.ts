import { assertEquals, assertStringIncludes } from "@std/assert";
import { emptyConfig } from "../../shardctrler/configuration/config.ts";
import { planCluster, planDashboard } from "./plan.ts";
import {
  describeCluster,
  describeDashboard,
  describeDeath,
  describeGap,
  nextCommands,
} from "./report.ts";

const SHAPE = { groups: 1, replicas: 1, shards: 4, ctrlerPort: 50_051, groupPort: 6001 };

Deno.test("describeCluster() shows every node and the shards of its group", () => {
  const config = { ...emptyConfig(4), num: 1, shards: [100, 100, 100, 100] };
  const lines = describeCluster(planCluster(SHAPE, "/d"), config).split("\n");
  assertEquals(lines[0], "NODE      ROLE        ADDRESS          SHARDS  DATA");
  assertEquals(lines[4], "100-0     group 100   127.0.0.1:6001   4       /d/skv_100_0");
});

Deno.test("nextCommands() names the controllers only where the clients would not find them", () => {
  const usual = nextCommands(planCluster(SHAPE, "/d"), "deno");
  assertStringIncludes(usual, "  deno task client get mykey\n");
  const moved = planCluster({ ...SHAPE, ctrlerPort: 9001 }, "/d");
  const addresses = "127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003";
  const commands = nextCommands(moved, "npx -y deno@2.9.3");
  assertStringIncludes(
    commands,
    `  npx -y deno@2.9.3 task client -ctrlers ${addresses} get mykey\n`,
  );
  assertStringIncludes(commands, `  npx -y deno@2.9.3 task ctrl -cluster ${addresses} query\n`);
});

Deno.test("describeGap() counts what is served and names the command that tells more", () => {
  const config = { ...emptyConfig(4), num: 2, shards: [100, 100, 100, 102] };
  assertEquals(
    describeGap({ config, served: 3 }, planCluster({ ...SHAPE, ctrlerPort: 9001 }, "/d"), "deno"),
    "Only 3 of 4 shards are served; 'deno task ctrl -cluster " +
      "127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003 moves' tells which groups are waited for",
  );
});

Deno.test("describeDashboard() says where it is, and why it is not where it usually is", () => {
  const { controllers } = planCluster(SHAPE, "/d");
  const options = { dashboard: { port: 8080, isChosen: false } };
  assertEquals(
    describeDashboard(planDashboard(controllers, 8080), options),
    "Dashboard: http://127.0.0.1:8080\n",
  );
  assertStringIncludes(
    describeDashboard(planDashboard(controllers, 9999), options),
    "Dashboard: http://127.0.0.1:9999 (port 8080 is taken",
  );
});

Deno.test("describeDeath() gives a command that a shell takes as it stands", () => {
  const { controllers } = planCluster(SHAPE, "/my data/it's");
  const node = { label: "ctrler-0", pid: 7, lastLines: ["last words"] };
  const text = describeDeath(controllers, node, { code: 1, signal: null }, "npx -y deno@2.9.3");
  const [first, words, , command] = text.split("\n");
  assertEquals(first, "Node ctrler-0 (pid 7) ended with code 1; the others go on");
  assertEquals(words, "  last words");
  const members = "127.0.0.1:50051,127.0.0.1:50052,127.0.0.1:50053";
  assertEquals(
    command,
    `  npx -y deno@2.9.3 run -A shardctrler/main.ts -id 0 -cluster ${members} ` +
      `-db '/my data/it'\\''s/sc' -shards 4`,
  );
});
