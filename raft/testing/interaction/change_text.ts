/** Changes of members as a script writes them: `v4 l5 r1` takes 4 as a voter, 5 as a learner, 1 out. */
import { type ConfChange, LEAVE_JOINT, type MemberChange } from "../../membership/conf_change.ts";
import type { Entry } from "../../types.ts";

const TYPES: Readonly<Record<string, MemberChange["type"]>> = {
  v: "addVoter",
  l: "addLearner",
  r: "remove",
};

/** @throws {SyntaxError} If a word is no change */
export function parseChange(words: readonly string[]): ConfChange {
  const changes = words.map((word): MemberChange => {
    const type = TYPES[word.charAt(0)];
    const id = Number(word.slice(1));
    if (type === undefined || !Number.isSafeInteger(id)) {
      throw new SyntaxError(`Cannot read '${word}': a change is v4, l4 or r4`);
    }
    return { type, id };
  });
  return { changes };
}

/** The payload of an entry that changes members: the words themselves. */
export function changePayload(words: readonly string[]): Uint8Array {
  return new TextEncoder().encode(words.join(" "));
}

/** What an entry changes; one without data ends a joint configuration. */
export function changeOf({ data }: Entry): ConfChange {
  if (data.length === 0) return LEAVE_JOINT;
  return parseChange(new TextDecoder().decode(data).split(" "));
}
