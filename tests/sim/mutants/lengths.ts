/** Bugs in what a node remembers of the lengths of values, so as not to read them. */
import type { Mutant } from "./mutant.ts";

export const LENGTH_MUTANTS: readonly Mutant[] = [
  {
    name: "length-kept-on-put",
    breaks: "The length of a value is remembered as it was before the value was replaced.",
    file: "raft/node/apply/batch_view.ts",
    find: "if (length !== known) this.#known.update(slot, length);",
    replace: `if (value === undefined) this.#known.update(slot, "absent");`,
  },
  {
    name: "length-kept-on-delete",
    breaks: "A key that was deleted is remembered as one with a value.",
    file: "raft/node/apply/batch_view.ts",
    find: "if (length !== known) this.#known.update(slot, length);",
    replace: "if (value !== undefined) this.#known.update(slot, value.length);",
  },
  {
    name: "lengths-kept-over-snapshot",
    breaks: "What was known of values is still believed when a snapshot has replaced them all.",
    file: "raft/node/apply/applier.ts",
    find: "    this.#known.clear();\n",
    replace: "",
  },
  {
    name: "unknown-taken-for-absent",
    breaks: "A key of which nothing is remembered counts as one without a value.",
    file: "raft/node/apply/batch_view.ts",
    find: "return known !== undefined;",
    replace: "return true;",
  },
  {
    name: "length-before-batch",
    breaks: "A write sees how long a value was before the commands of its batch that came first.",
    file: "raft/node/apply/batch_view.ts",
    find: `    slot.length = value?.length;
    slot.hasLength = true;`,
    replace: "    slot.hasLength = true;",
  },
  {
    name: "length-of-neighbor",
    breaks: "What is remembered of a key answers for others that stand in the same place.",
    file: "raft/node/apply/known_lengths.ts",
    find: "segment[at] === a && segment[at + 1] === b && segment[at + 2] === c &&\n",
    replace: "\n",
  },
];
