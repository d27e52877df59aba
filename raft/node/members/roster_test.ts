import { assertEquals, assertThrows } from "@std/assert";
import { ConfChangeError } from "../../membership/conf_change.ts";
import { appliedWrite, decodeApplied, decodeChange, encodeChange } from "./roster_codec.ts";
import { changeRoster, firstRoster, type Member, memberOf, wasRemoved } from "./roster.ts";

const first = firstRoster(new Map([[1, "one:1"], [2, "two:1"], [3, "three:1"]]));
const NEWCOMER: Member = { id: 4, address: "four:1", incarnation: "44" };

Deno.test("changeRoster() knows where members are, and gives no id twice", () => {
  const added = changeRoster(first, {
    changes: [{ type: "addLearner", id: 4 }],
    members: [NEWCOMER],
  });
  assertEquals(memberOf(added, 4), NEWCOMER);
  assertEquals(added.nextId, 5);
  const removed = changeRoster(added, { changes: [{ type: "remove", id: 4 }], members: [] });
  assertEquals(memberOf(removed, 4), undefined);
  assertEquals(removed.nextId, 5);
  assertEquals([4, 5].map((id) => wasRemoved(removed, id)), [true, false]);
  assertEquals(removed.firstMembers, first.members);
});

Deno.test("changeRoster() keeps the address of a voter that leaves until the change is complete", () => {
  const joint = changeRoster(first, { changes: [{ type: "remove", id: 3 }], members: [] });
  assertEquals(memberOf(joint, 3)?.address, "three:1");
  const done = changeRoster(joint, { changes: [], members: [] });
  assertEquals(memberOf(done, 3), undefined);
});

Deno.test("changeRoster() refuses what the configuration refuses", () => {
  const change = { changes: [{ type: "remove", id: 1 }] as const, members: [] };
  const alone = firstRoster(new Map([[1, "one:1"]]));
  assertThrows(() => changeRoster(alone, change), ConfChangeError);
});

Deno.test("a change of members comes back from its bytes, and no bytes end a joint configuration", () => {
  const change = {
    changes: [{ type: "addVoter", id: 4 }, { type: "remove", id: 2 }, {
      type: "addLearner",
      id: 5,
    }],
    members: [NEWCOMER],
  } as const;
  assertEquals(decodeChange(encodeChange(change)), {
    ...change,
    changes: [...change.changes],
    members: [NEWCOMER],
  });
  assertEquals(decodeChange(new Uint8Array(0)).changes, []);
});

Deno.test("a roster comes back from the record of what was applied", () => {
  const roster = changeRoster(first, {
    changes: [{ type: "addLearner", id: 4 }],
    members: [NEWCOMER],
  });
  const write = appliedWrite(1, { index: 9, term: 2, roster });
  if (write.type !== "put") throw new Error("The record is written, not deleted");
  assertEquals(decodeApplied(write.value), { index: 9, term: 2, roster });
});
