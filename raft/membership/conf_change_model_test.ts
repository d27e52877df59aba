/** Changes of members against plain maps from member to role, and against all majorities there are. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { voters } from "../testing/test_node.ts";
import type { ConfState, NodeId } from "../types.ts";
import { changeConf, ConfChangeError, LEAVE_JOINT, type MemberChange } from "./conf_change.ts";
import { isConfStateValid, isVoter, members } from "./membership.ts";

const IDS: readonly NodeId[] = [1, 2, 3, 4, 5, 6];

type Roles = ReadonlyMap<NodeId, "voter" | "learner">;

/** Two maps: who was what, and who is to be what. They are the same when no change is under way. */
class RolesModel {
  before: Roles;
  after: Roles;

  constructor(ids: readonly NodeId[]) {
    this.before = new Map(ids.map((id) => [id, "voter"]));
    this.after = this.before;
  }

  static #voters(roles: Roles): NodeId[] {
    return IDS.filter((id) => roles.get(id) === "voter");
  }

  get isJoint(): boolean {
    const [old, next] = [this.before, this.after].map(RolesModel.#voters);
    return `${old}` !== `${next}`;
  }

  /** @returns False, with nothing changed, if that is not possible */
  change(changes: readonly MemberChange[]): boolean {
    if (changes.length === 0) {
      if (!this.isJoint) return false;
      this.before = this.after;
      return true;
    }
    const ids = changes.map(({ id }) => id);
    const roles = new Map(this.after);
    for (const { type, id } of changes) {
      if (type === "remove") roles.delete(id);
      else roles.set(id, type === "addVoter" ? "voter" : "learner");
    }
    const isPossible = !this.isJoint && new Set(ids).size === ids.length &&
      RolesModel.#voters(roles).length > 0;
    if (!isPossible) return false;
    this.after = roles;
    if (!this.isJoint) this.before = roles;
    return true;
  }

  get confState(): ConfState {
    const outgoing = this.isJoint ? RolesModel.#voters(this.before) : [];
    const listening = IDS.filter((id) => this.after.get(id) === "learner");
    return {
      voters: RolesModel.#voters(this.after),
      votersOutgoing: outgoing,
      learners: listening.filter((id) => !outgoing.includes(id)),
      learnersNext: listening.filter((id) => outgoing.includes(id)),
      autoLeave: this.isJoint,
    };
  }
}

/** Sets of members as bits, which makes trying all of them cheap. */
function bitsOf(ids: readonly NodeId[]): number {
  return ids.reduce((bits, id) => bits | 1 << id, 0);
}

function countOf(bits: number): number {
  return IDS.filter((id) => bits >> id & 1).length;
}

function decides(conf: ConfState, set: number): boolean {
  return [conf.voters, conf.votersOutgoing].every((half) =>
    half.length === 0 || countOf(set & bitsOf(half)) * 2 > half.length
  );
}

/** Whether some set decides in one configuration while all others decide in the other. */
function canSplit(a: ConfState, b: ConfState): boolean {
  const everybody = bitsOf(IDS);
  for (let set = 0; set <= everybody; set += 2) {
    if (decides(a, set) && decides(b, everybody & ~set)) return true;
  }
  return false;
}

const memberChange: fc.Arbitrary<MemberChange> = fc.record({
  type: fc.constantFrom("addVoter", "addVoter", "addLearner", "remove"),
  id: fc.constantFrom(...IDS),
});

const history = fc.tuple(
  fc.subarray([...IDS], { minLength: 1, maxLength: 5 }),
  fc.array(
    fc.oneof(fc.array(memberChange, { maxLength: 4, size: "max" }), fc.constant([])),
    { maxLength: 12, size: "max" },
  ),
);

/** Plays a history on both; `check` sees each step that was possible. */
function play(
  [first, steps]: readonly [readonly NodeId[], readonly (readonly MemberChange[])[]],
  check: (before: ConfState, after: ConfState, changes: readonly MemberChange[]) => void,
): void {
  let conf = voters(...first);
  const model = new RolesModel(first);
  for (const changes of steps) {
    const before = structuredClone(conf);
    if (model.change(changes)) {
      conf = changeConf(conf, { changes });
      check(before, conf, changes);
    } else assertThrows(() => changeConf(conf, { changes }), ConfChangeError);
    assertEquals(conf, model.confState);
  }
}

Deno.test("changeConf() agrees with plain maps of roles through any sequence of changes", () => {
  fc.assert(
    fc.property(history, (steps) => {
      play(steps, (before, after) => {
        assert(isConfStateValid(after), "every configuration on the way is possible");
        assert(after.learners.every((id) => !isVoter(after, id)), "no learner votes");
        assertEquals(before === after, false);
      });
    }),
    { seed: 1, numRuns: 3000 },
  );
});

Deno.test("no two groups can decide apart from each other across a change", () => {
  fc.assert(
    fc.property(history, (steps) => {
      play(steps, (before, after) => {
        assert(!canSplit(before, after), `${before.voters} and ${after.voters} overlap`);
        assert(!canSplit(after, after), `two majorities of ${after.voters} overlap`);
      });
    }),
    { seed: 2, numRuns: 1000 },
  );
});

Deno.test("canSplit() finds the split that a change without a joint configuration allows", () => {
  assertEquals(canSplit(voters(1), voters(1, 2, 3)), true);
  assertEquals(canSplit(voters(1, 2, 3), voters(3, 4, 5)), true);
  assertEquals(canSplit(voters(1, 2, 3), voters(1, 2, 3, 4)), false);
});

Deno.test("a change that is complete gives every member the role that was asked for, in any order", () => {
  fc.assert(
    fc.property(history, (steps) => {
      play(steps, (before, after, changes) => {
        if (changes.length === 0) return;
        assertEquals(changeConf(before, { changes: changes.toReversed() }), after);
        const end = after.votersOutgoing.length > 0 ? changeConf(after, LEAVE_JOINT) : after;
        for (const { type, id } of changes) {
          assertEquals(end.voters.includes(id), type === "addVoter");
          assertEquals(end.learners.includes(id), type === "addLearner");
        }
        const untouched = members(before).filter((id) => !changes.some((one) => one.id === id));
        for (const id of untouched) {
          assertEquals(end.voters.includes(id), before.voters.includes(id));
          assertEquals(end.learners.includes(id), before.learners.includes(id));
        }
      });
    }),
    { seed: 3, numRuns: 1000 },
  );
});
