import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseCommand } from "../../client/cli/ctrler_cli_args.ts";
import type { NodeView, Problem } from "../api.ts";
import { Format } from "./format.ts";
import { messagesIn } from "./messages/messages.ts";
import { describeProblem } from "./problems.ts";
import { aNode } from "./testdata/views.ts";

const nodes = [
  aNode(0, 0),
  aNode(0, 1, { healthy: false }),
  aNode(100, 0),
  aNode(100, 1, { healthy: false }),
];

function describe(problem: Partial<Problem> & Pick<Problem, "code">, others: NodeView[] = nodes) {
  return describeProblem({ severity: "warning", ...problem }, {
    messages: messagesIn.en,
    format: new Format("en"),
    nodes: others,
  });
}

Deno.test("describeProblem() names what is concerned", () => {
  const text = describe({ code: "nodeLagging", gid: 100, nodeId: 1, count: 12_345 });
  assertEquals(text.what, "Node 100-1 is 12,345 entries behind");
  assertEquals(
    describe({ code: "nodeDown", gid: 0, nodeId: 1 }).what,
    "Controller 1 does not answer",
  );
  assertEquals(describe({ code: "shardUnserved", count: 1 }).what, "One shard is served by nobody");
});

Deno.test("describeProblem() gives the command that starts the node that is down", () => {
  assertEquals(
    describe({ code: "nodeDown", gid: 100, nodeId: 1 }).command,
    'shardkvserver -id 1 -gid 100 -cluster "host100:0,host100:1" -ctrlers "host0:0,host0:1" ' +
      '-db "<as before>"',
  );
  assertEquals(
    describe({ code: "noControllerLeader" }).command,
    'shardctrlerserver -id 1 -cluster "host0:0,host0:1" -db "<as before>"',
  );
  assertEquals(
    describe({ code: "groupDown", gid: 100 }).command,
    describe({ code: "nodeDown", gid: 100, nodeId: 1 }).command,
  );
});

Deno.test("describeProblem() does not guess the first members of a group that has changed", () => {
  const changed = [...nodes, aNode(100, 5, { healthy: false })];
  assertMatch(
    describe({ code: "nodeDown", gid: 100, nodeId: 5 }, changed).command,
    /-cluster "<as before>"/,
  );
});

Deno.test("describeProblem() has words and a command for every problem, and real verbs in it", () => {
  for (const code of Object.keys(messagesIn.en.problems) as Problem["code"][]) {
    const up = nodes.map((node) => ({ ...node, healthy: true }));
    for (const others of [nodes, up]) {
      const text = describe({ code, gid: 100, nodeId: 1 }, others);
      for (const part of Object.values(text)) assert(part !== "", code);
      const verb = /^shardctrlerclient -cluster "[^"]*" (.*)$/.exec(text.command)?.[1];
      // Throws if there is no such command.
      if (verb !== undefined) parseCommand(verb.split(" "));
    }
  }
});
