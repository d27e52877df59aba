import { assertEquals, assertThrows } from "@std/assert";
import { voters } from "../testing/test_node.ts";
import type { ConfState } from "../types.ts";
import { changeConf, ConfChangeError, LEAVE_JOINT, type MemberChange } from "./conf_change.ts";

function change(conf: ConfState, ...changes: MemberChange[]): ConfState {
  return changeConf(conf, { changes });
}

Deno.test("changeConf() takes learners in and out in one step", () => {
  const added = change(voters(1, 2), { type: "addLearner", id: 3 });
  assertEquals(added, { ...voters(1, 2), learners: [3] });
  assertEquals(change(added, { type: "remove", id: 3 }), voters(1, 2));
});

Deno.test("changeConf() makes a learner a voter through a joint configuration", () => {
  const joint = change({ ...voters(1, 2), learners: [3] }, { type: "addVoter", id: 3 });
  assertEquals(joint, { ...voters(1, 2, 3), votersOutgoing: [1, 2], autoLeave: true });
  assertEquals(changeConf(joint, LEAVE_JOINT), voters(1, 2, 3));
});

Deno.test("changeConf() lets a voter that becomes a learner vote until the change is complete", () => {
  const joint = change(voters(1, 2, 3), { type: "addLearner", id: 3 });
  assertEquals(joint, {
    voters: [1, 2],
    votersOutgoing: [1, 2, 3],
    learners: [],
    learnersNext: [3],
    autoLeave: true,
  });
  assertEquals(changeConf(joint, LEAVE_JOINT), { ...voters(1, 2), learners: [3] });
});

Deno.test("changeConf() replaces several voters at once", () => {
  const joint = change(
    { ...voters(1, 2, 3), learners: [4] },
    { type: "remove", id: 1 },
    { type: "addVoter", id: 4 },
    { type: "addLearner", id: 5 },
  );
  assertEquals(joint.voters, [2, 3, 4]);
  assertEquals(joint.votersOutgoing, [1, 2, 3]);
  assertEquals(joint.learners, [5]);
});

const joint = change(voters(1, 2), { type: "addVoter", id: 3 });
const refused: readonly [string, ConfState, readonly MemberChange[]][] = [
  ["a change while one is under way", joint, [{ type: "remove", id: 1 }]],
  ["to complete a change when none is under way", voters(1), []],
  ["to take the last voter out", voters(1), [{ type: "remove", id: 1 }]],
  ["to take the last vote away", voters(1), [{ type: "addLearner", id: 1 }]],
  ["an id that cannot be", voters(1), [{ type: "addVoter", id: 0 }]],
  ["a member named twice", voters(1), [{ type: "addVoter", id: 2 }, { type: "remove", id: 2 }]],
];
for (const [what, conf, changes] of refused) {
  Deno.test(`changeConf() refuses ${what}`, () => {
    assertThrows(() => changeConf(conf, { changes }), ConfChangeError, "Cannot");
  });
}
