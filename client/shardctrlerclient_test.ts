import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createPrng } from "../runtime/prng.ts";
import { ControllerCluster } from "../shardctrler/testing/controller_cluster.ts";
import { main } from "./shardctrlerclient.ts";
import { FakeGroup } from "./testing/fake_group.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each run is another client, as in another process. */
let runs = 0;

/** Runs the program against a cluster; `-cluster` is put before the arguments. */
async function run(cluster: ControllerCluster, ...args: string[]): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const code = await cluster.run(main(["-cluster", cluster.addresses.join(","), ...args], {
    stdout: (text) => void (stdout += text),
    stdoutWhileRead: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
    dialer: () => cluster.network.dialer(),
    clock: cluster.clock,
    prng: createPrng(++runs),
  }));
  return { code, stdout, stderr };
}

/** Servers of a group that say whose they are, and no more. */
function serve(cluster: ControllerCluster, gid: number, ...addresses: string[]): FakeGroup {
  const group = new FakeGroup({ gid, addresses, shards: 10, clock: cluster.clock });
  for (const address of addresses) cluster.network.serve(address, group.routes(address));
  return group;
}

function printed(stdout: string): Outcome {
  return { code: 0, stdout, stderr: "" };
}

Deno.test("shardctrlerclient prints what eRaft's does, byte for byte", async () => {
  await using cluster = await ControllerCluster.start(3);
  serve(cluster, 100, "localhost:6001", "localhost:6002", "localhost:6003");
  serve(cluster, 101, "localhost:7001");
  const join100 = "100=localhost:6001,localhost:6002,localhost:6003";
  assertEquals(await run(cluster, "join", join100), printed("Join OK\n"));
  assertEquals(await run(cluster, "join", "101=localhost:7001"), printed("Join OK\n"));
  assertEquals(
    await run(cluster, "query"),
    printed(
      "Config #2\n" +
        "  Shards: [101 101 101 101 101 100 100 100 100 100]\n" +
        "  Groups:\n" +
        "    100: [localhost:6001 localhost:6002 localhost:6003]\n" +
        "    101: [localhost:7001]\n",
    ),
  );
  assertEquals(
    await run(cluster, "query", "0"),
    printed("Config #0\n  Shards: [0 0 0 0 0 0 0 0 0 0]\n  Groups:\n"),
  );
  assertEquals(await run(cluster, "move", "0", "100"), printed("Move OK\n"));
  assertEquals(await run(cluster, "leave", "101"), printed("Leave OK\n"));
  assertEquals((await run(cluster, "query", "-1")).stdout.split("\n")[0], "Config #4");
});

Deno.test("shardctrlerclient takes the last group out only by force, and shows who left", async () => {
  await using cluster = await ControllerCluster.start(1, { shards: 2 });
  serve(cluster, 100, "localhost:6001");
  await run(cluster, "join", "100=localhost:6001");
  assertEquals(await run(cluster, "leave", "100"), {
    code: 1,
    stdout: "",
    stderr: "Cannot leave the last group: nobody would serve the 2 shards; " +
      "use force to do it all the same\n",
  });
  assertEquals(await run(cluster, "-force", "leave", "100"), printed("Leave OK\n"));
  assertEquals(
    await run(cluster, "query"),
    printed(
      "Config #2\n  Shards: [0 0]\n  Groups:\n  Departed:\n    100: [localhost:6001]\n",
    ),
  );
});

Deno.test("shardctrlerclient status prints eRaft's columns, offline controllers with zeros", async () => {
  await using cluster = await ControllerCluster.start(3);
  await cluster.clock.advance(1_000);
  const leader = cluster.leader();
  const down = (leader + 1) % 3;
  await cluster.shutdown(down);
  const { code, stdout, stderr } = await run(cluster, "status");
  const { term } = cluster.node(leader).status();
  const row = (id: number) => {
    const role = id === leader ? "Leader" : id === down ? "Offline" : "Follower";
    const [termText, index] = id === down ? ["0", "0"] : [String(term), "2"];
    return `${String(id).padEnd(5)} ${`ctrl-${id}:1`.padEnd(25)} ${role.padEnd(15)} ` +
      `${termText.padEnd(10)} ${index.padEnd(10)} ${index.padEnd(15)} ${"0".padEnd(15)}`;
  };
  assertEquals(
    stdout.replaceAll(/\d+ *$/gm, (size) => "0".padEnd(size.length)),
    [
      "ID    Address                   Role            Term       Applied    Commit          " +
      "Storage(B)     ",
      "-".repeat(100),
      row(0),
      row(1),
      row(2),
      "",
    ].join("\n"),
  );
  assertEquals(code, 0);
  assertStringIncludes(stderr, `ctrl-${down}:1 is offline: `);
});

Deno.test("shardctrlerclient gives JSON with a schema version", async () => {
  await using cluster = await ControllerCluster.start(1, { shards: 2 });
  serve(cluster, 100, "localhost:6001");
  const joined = await run(cluster, "-o", "json", "join", "100=localhost:6001");
  const { storeId } = await cluster.run(cluster.clerk().query());
  assertEquals(JSON.parse(joined.stdout), {
    schemaVersion: 1,
    config: {
      storeId,
      num: 1,
      shards: [100, 100],
      groups: { 100: ["localhost:6001"] },
      lastOwners: {},
      departed: {},
      identities: {},
    },
  });
  const status = JSON.parse((await run(cluster, "-o=json", "status")).stdout);
  assertEquals(status.controllers[0].role, "Leader");
  assertEquals(status.controllers[0].error, null);
});

Deno.test("shardctrlerclient gives JSON of what it cannot do, as shardkvclient does", async () => {
  await using cluster = await ControllerCluster.start(1);
  const { code, stdout, stderr } = await run(cluster, "-o", "json", "leave", "7");
  assertEquals([code, stdout], [1, ""]);
  assertEquals(JSON.parse(stderr), {
    schemaVersion: 1,
    error: {
      code: "NOT_FOUND",
      message: "Cannot leave group 7: it is not part of the cluster",
      maybe: false,
    },
  });
});

Deno.test("shardctrlerclient answers nonsense with one clear line and exit code 2", async () => {
  await using cluster = await ControllerCluster.start(1);
  const gidRange = "a group id must be an integer in 1..2147483647";
  const cases: [string[], string][] = [
    [["join", "100"], 'Cannot join "100": it must be <gid>=<server1>,<server2>...'],
    [["join", "x=localhost:1"], `Cannot join group "x": ${gidRange}`],
    [["join", "0=localhost:1"], `Cannot join group "0": ${gidRange}`],
    [["join", "1e2=localhost:1"], `Cannot join group "1e2": ${gidRange}`],
    [["join", "1=a:1", "1=b:1"], "Cannot join group 1: it is given twice"],
    [["join", "1=a:1,b"], 'Cannot use address "b": it must be host:port, like localhost:50051'],
    [["leave", "abc"], `Cannot leave group "abc": ${gidRange}`],
    [["leave", "-5"], `Cannot leave group "-5": ${gidRange}`],
    [
      ["leave", "100", "-force"],
      `Cannot leave group "-force": ${gidRange}; flags go before the command`,
    ],
    [["move", "x", "1"], 'Cannot move shard "x": a shard must be an integer in 0..16383'],
    [["move", "99999", "1"], 'Cannot move shard "99999": a shard must be an integer in 0..16383'],
    [["move", "1", ""], `Cannot move a shard to group "": ${gidRange}`],
    [
      ["check", "x"],
      `Cannot look for group "x": ${gidRange} or 0 for the controllers`,
    ],
    [
      ["member", "list", "-1"],
      `Cannot look for group "-1": ${gidRange} or 0 for the controllers`,
    ],
    [["query", "x"], 'Cannot query configuration "x": its number must be an integer'],
    [["-force", "status"], "Cannot use '-force' with status: join and leave take it"],
  ];
  for (const [args, line] of cases) {
    assertEquals(await run(cluster, ...args), { code: 2, stdout: "", stderr: `${line}\n` });
  }
});

Deno.test("shardctrlerclient refuses to wait longer than any timer can", async () => {
  await using cluster = await ControllerCluster.start(1);
  const { code, stderr } = await run(cluster, "-timeout", "600h", "leave", "100");
  assertEquals(code, 2);
  assertStringIncludes(stderr, "for flag -timeout: it must be 1ms to 596h31m23.647s\n");
});

Deno.test("shardctrlerclient tells how a command is used on standard output", async () => {
  await using cluster = await ControllerCluster.start(1);
  const cases: [string[], string][] = [
    [["join"], "Usage: join <gid>=<server1>,<server2>...\n"],
    [["leave"], "Usage: leave <gid1> <gid2>...\n"],
    [["move", "1"], "Usage: move <shard> <gid>\n"],
    [["move", "1", "2", "3"], "Usage: move <shard> <gid>\n"],
    [["query", "1", "2"], "Usage: query [num]\n"],
    [["status", "now"], "Usage: status\n"],
  ];
  for (const [args, usage] of cases) {
    assertEquals(await run(cluster, ...args), { code: 2, stdout: usage, stderr: "" });
  }
  const unknown = (words: string) => `Cannot do "${words}": there is no such command\n`;
  const usages: [string[], string][] = [
    [[], ""],
    [["frobnicate"], unknown("frobnicate")],
    [["member"], unknown("member")],
    [["member", "eject", "100"], unknown("member eject")],
  ];
  for (const [args, line] of usages) {
    const { code, stdout, stderr } = await run(cluster, ...args);
    assertEquals([code, stdout.split("\n")[0], stderr], [
      2,
      "Usage: shardctrlerclient [options] <command> [args]",
      line,
    ]);
  }
});

Deno.test("shardctrlerclient tells who puts flags behind the command where they go", async () => {
  await using cluster = await ControllerCluster.start(1);
  const cases: [string[], string, string][] = [
    [["moves", "-watch"], "moves", "-watch"],
    [["query", "-o", "json"], "query [num]", "-o"],
    [["member", "list", "0", "--o=json"], "member list <gid>", "--o=json"],
  ];
  for (const [args, form, flag] of cases) {
    assertEquals(await run(cluster, ...args), {
      code: 2,
      stdout: `Usage: ${form}\n`,
      stderr: `Cannot use "${flag}" here; flags go before the command\n`,
    });
  }
});

Deno.test("shardctrlerclient refuses flags that make no sense", async () => {
  await using cluster = await ControllerCluster.start(1);
  for (
    const args of [
      ["-x", "status"],
      ["-timeout", "soon", "status"],
      ["-timeout", "0s", "status"],
      ["-o", "yaml", "status"],
      ["-cluster", "nonsense", "status"],
      ["-cluster", "", "status"],
    ]
  ) {
    const { code, stdout, stderr } = await run(cluster, ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertStringIncludes(stderr, "Usage of shardctrlerclient:");
  }
  assertEquals((await run(cluster, "-h")).code, 0);
});

Deno.test("shardctrlerclient tells refusals (1) from silence (4)", async () => {
  await using cluster = await ControllerCluster.start(3);
  assertEquals(await run(cluster, "leave", "7"), {
    code: 1,
    stdout: "",
    stderr: "Cannot leave group 7: it is not part of the cluster\n",
  });
  assertEquals(await run(cluster, "query", "99"), {
    code: 1,
    stdout: "",
    stderr: "Cannot find configuration 99: the latest is 0\n",
  });
  for (const position of [0, 1, 2]) await cluster.shutdown(position);
  const { code, stdout, stderr } = await run(cluster, "-timeout=2s", "-force", "join", "1=a:1");
  assertEquals([code, stdout], [4, ""]);
  assert(
    /^Cannot finish join within 2000 ms: it had no effect; tried ctrl-0:1 \(connect: /.test(stderr),
  );
  assertEquals(stderr.split("\n").length, 2);
  assertEquals((await run(cluster, "status")).code, 4);
});

Deno.test("shardctrlerclient joins no group whose servers are another group's or do not answer, unless forced", async () => {
  await using cluster = await ControllerCluster.start(1);
  serve(cluster, 100, "localhost:6001");
  await run(cluster, "join", "100=localhost:6001");
  serve(cluster, 100, "127.0.0.1:6001");
  assertEquals(await run(cluster, "join", "105=127.0.0.1:6001,localhost:9"), {
    code: 1,
    stdout: "",
    stderr: "Cannot join group 105: the server at 127.0.0.1:6001 belongs to group 100; " +
      "correct the addresses, or use -force to join it all the same\n",
  });
  const absent = await run(cluster, "-timeout=3s", "join", "102=localhost:9");
  assertEquals([absent.code, absent.stdout], [1, ""]);
  const [first = "", last = ""] = absent.stderr.split("\n");
  assert(/^Waits for group 102: localhost:9: \S/.test(first), first);
  assert(/^Cannot join group 102: it is not there \(localhost:9: /.test(last), last);
  assertStringIncludes((await run(cluster, "query")).stdout, "Config #1\n");
  const forced = await run(cluster, "-force", "join", "102=localhost:9", "105=127.0.0.1:6001");
  assertEquals(forced, printed("Join OK\n"));
});

Deno.test("shardctrlerclient join waits for servers that are just starting", async () => {
  await using cluster = await ControllerCluster.start(1);
  const joined = run(cluster, "join", "100=localhost:6001");
  await cluster.clock.advance(2_000);
  serve(cluster, 100, "localhost:6001");
  const { code, stdout, stderr } = await joined;
  assertEquals([code, stdout, stderr.split("\n").length], [0, "Join OK\n", 2]);
});

Deno.test("shardctrlerclient join tells at once what the controllers would refuse anyway", async () => {
  await using cluster = await ControllerCluster.start(1);
  await run(cluster, "-force", "join", "100=localhost:6001");
  assertEquals(await run(cluster, "join", "100=localhost:6009"), {
    code: 1,
    stdout: "",
    stderr: "Cannot join group 100: it is part of the cluster\n",
  });
});

Deno.test("shardctrlerclient joins no group of another store", async () => {
  await using cluster = await ControllerCluster.start(1);
  const group = serve(cluster, 100, "localhost:6001");
  group.storeId = "7";
  assertEquals(await run(cluster, "join", "100=localhost:6001"), {
    code: 1,
    stdout: "",
    stderr:
      "Cannot join group 100: the server at localhost:6001 belongs to group 100 of store 7; " +
      "correct the addresses, or use -force to join it all the same\n",
  });
  group.storeId = (await cluster.run(cluster.clerk().query())).storeId;
  assertEquals(await run(cluster, "join", "100=localhost:6001"), printed("Join OK\n"));
});

Deno.test("shardctrlerclient join tells the controllers which group of the number it is", async () => {
  await using cluster = await ControllerCluster.start(1);
  const [one, other] = [
    serve(cluster, 100, "localhost:6001"),
    serve(cluster, 100, "localhost:6002"),
  ];
  const join = ["join", "100=localhost:6001,localhost:6002"];
  one.identity = "7";
  other.identity = "8";
  assertEquals(await run(cluster, ...join), {
    code: 1,
    stdout: "",
    stderr: "Cannot join group 100: the server at localhost:6002 is one of another group 100; " +
      "correct the addresses\n",
  });
  other.identity = "7";
  assertEquals(await run(cluster, ...join), printed("Join OK\n"));
  const { identities } = await cluster.run(cluster.clerk().query());
  assertEquals([...identities], [[100, "7"]]);
});

Deno.test("shardctrlerclient join waits for the first leader of a new group", async () => {
  await using cluster = await ControllerCluster.start(1);
  const group = serve(cluster, 100, "localhost:6001");
  group.configNum = 0;
  const joined = run(cluster, "join", "100=localhost:6001");
  await cluster.clock.advance(4_000);
  group.identity = "7";
  const { code, stderr } = await joined;
  assertEquals([code, stderr], [
    0,
    "Waits for group 100: localhost:6001: the group has had no leader yet\n",
  ]);
});

Deno.test("shardctrlerclient join says nothing of a group that elects its first leader in time", async () => {
  await using cluster = await ControllerCluster.start(1);
  const group = serve(cluster, 100, "localhost:6001");
  group.configNum = 0;
  const joined = run(cluster, "join", "100=localhost:6001");
  await cluster.clock.advance(1_000);
  group.identity = "7";
  assertEquals(await joined, printed("Join OK\n"));
});
