import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Electorate, majoritySize, quorumIndex, voteResult } from "./quorum.ts";

/** Fixed, so that a failure can be repeated; enough cases to meet every small group. */
const PROPERTY = { seed: 1, numRuns: 5000 };

const electorates: fc.Arbitrary<Electorate> = fc.record({
  voters: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 7 }),
  votersOutgoing: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 }),
});

/** Values for the ids 1 to 9, at the id's position. */
function perId<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(value, { minLength: 10, maxLength: 10 });
}

/** The definition, without any cleverness: does more than half of each half agree? */
function haveQuorum(electorate: Electorate, agrees: (id: number) => boolean): boolean {
  return [electorate.voters, electorate.votersOutgoing].every((half) =>
    half.length === 0 || half.filter(agrees).length * 2 > half.length
  );
}

Deno.test("majoritySize() is the least number that is more than half", () => {
  assertEquals([1, 2, 3, 4, 5, 6, 7].map(majoritySize), [1, 2, 2, 3, 3, 4, 4]);
});

Deno.test("quorumIndex() is the highest index that a quorum has reached, also for a joint electorate", () => {
  fc.assert(
    fc.property(electorates, perId(fc.nat(12)), (electorate, reached) => {
      const indexOf = (id: number) => reached[id] ?? 0;
      let highest = 0;
      for (let index = 0; index <= 12; index++) {
        if (haveQuorum(electorate, (id) => indexOf(id) >= index)) highest = index;
      }
      assertEquals(quorumIndex(electorate, indexOf), highest);
    }),
    PROPERTY,
  );
});

Deno.test("voteResult() says won, lost or pending exactly when the missing votes allow it", () => {
  const answers = fc.constantFrom(true, false, undefined);
  fc.assert(
    fc.property(electorates, perId(answers), (electorate, votes) => {
      const expected = haveQuorum(electorate, (id) => votes[id] === true)
        ? "won"
        : haveQuorum(electorate, (id) => votes[id] !== false)
        ? "pending"
        : "lost";
      assertEquals(voteResult(electorate, (id) => votes[id]), expected);
    }),
    PROPERTY,
  );
});

Deno.test("quorumIndex() waits for nobody where nobody votes", () => {
  assertEquals(quorumIndex({ voters: [], votersOutgoing: [] }, () => 0), Infinity);
});

/** Every set of members, of which there are few. */
function subsetsOf(ids: readonly number[]): number[][] {
  return ids.reduce<number[][]>((sets, id) => [...sets, ...sets.map((set) => [...set, id])], [[]]);
}

/** Every set that can decide, found by trying all. */
function quorumsOf(electorate: Electorate): number[][] {
  const ids = [...new Set([...electorate.voters, ...electorate.votersOutgoing])];
  return subsetsOf(ids).filter((set) => haveQuorum(electorate, (id) => set.includes(id)));
}

const smallElectorates: fc.Arbitrary<Electorate> = fc.record({
  voters: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
  votersOutgoing: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 5 }),
});

Deno.test("quorumIndex() is the best that any deciding set of members has reached as a whole", () => {
  fc.assert(
    fc.property(smallElectorates, perId(fc.nat(5)), (electorate, reached) => {
      const indexOf = (id: number) => reached[id] ?? 0;
      const best = Math.max(...quorumsOf(electorate).map((set) => Math.min(...set.map(indexOf))));
      assertEquals(quorumIndex(electorate, indexOf), best);
    }),
    PROPERTY,
  );
});

Deno.test("voteResult() is won if some deciding set is for it, lost if each has somebody against it", () => {
  const answers = fc.constantFrom(true, false, undefined);
  fc.assert(
    fc.property(smallElectorates, perId(answers), (electorate, votes) => {
      const quorums = quorumsOf(electorate);
      const isWon = quorums.some((set) => set.every((id) => votes[id] === true));
      const isLost = quorums.every((set) => set.some((id) => votes[id] === false));
      const expected = isWon ? "won" : isLost ? "lost" : "pending";
      assertEquals(voteResult(electorate, (id) => votes[id]), expected);
    }),
    PROPERTY,
  );
});

Deno.test("no two candidates win one electorate, however the votes are split", () => {
  fc.assert(
    fc.property(smallElectorates, perId(fc.constantFrom(1, 2, undefined)), (electorate, votes) => {
      const resultOf = (candidate: number) =>
        voteResult(
          electorate,
          (id) => votes[id] === undefined ? undefined : votes[id] === candidate,
        );
      assertEquals([1, 2].filter((candidate) => resultOf(candidate) === "won").length <= 1, true);
    }),
    PROPERTY,
  );
});
