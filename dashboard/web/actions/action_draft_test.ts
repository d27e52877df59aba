import { assertEquals } from "@std/assert";
import { NO_FIELDS, toAction } from "./action_draft.ts";

Deno.test("toAction() waits for all that an action needs", () => {
  const move = { kind: "moveShard", shardId: 3 } as const;
  assertEquals(toAction(move, NO_FIELDS), null);
  assertEquals(toAction(move, { ...NO_FIELDS, gid: "101" }), { ...move, gid: 101 });
  const add = { kind: "addGroup" } as const;
  assertEquals(toAction(add, { gid: "102", servers: " \n" }), null);
  assertEquals(toAction(add, { gid: "102", servers: "a:1\n b:2,c:3\n" }), {
    kind: "addGroup",
    gid: 102,
    servers: ["a:1", "b:2", "c:3"],
  });
});

Deno.test("toAction() takes only ids that a group can have", () => {
  for (const gid of ["0", "-1", "1.5", "1e3", "x", "", "2147483648"]) {
    assertEquals(toAction({ kind: "addGroup" }, { gid, servers: "a:1" }), null, gid);
  }
  const largest = toAction({ kind: "moveShard", shardId: 0 }, { gid: " 2147483647 ", servers: "" });
  assertEquals(largest, { kind: "moveShard", shardId: 0, gid: 2147483647 });
});

Deno.test("toAction() needs nothing more where the button knew it all", () => {
  const transfer = { kind: "transferLeader", gid: 100, nodeId: 2 } as const;
  assertEquals(toAction(transfer, NO_FIELDS), transfer);
  const remove = { kind: "removeGroup", gid: 100 } as const;
  assertEquals(toAction(remove, NO_FIELDS), remove);
});
