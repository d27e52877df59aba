/** Writes that are sent again: item 18. */
import { crc32 } from "node:zlib";
import { type Result, ResultCode } from "../../../proto/gen/shardkv.ts";
import type { AppliedEntry, NodeView, Observer } from "../observation.ts";
import { type GroupStep, stepsOf } from "./group_commands.ts";
import { check } from "./items.ts";

/** Answers that are remembered; all others say that nothing was done. */
const REMEMBERED: readonly ResultCode[] = [
  ResultCode.RESULT_OK,
  ResultCode.RESULT_NO_KEY,
  ResultCode.RESULT_MISMATCH,
  ResultCode.RESULT_VALUE_TOO_LARGE,
];

/** Bytes of a value that a session remembers with a mismatch, as shardkv/machine/results.ts has it. */
const REMEMBERED_BYTES_MAX = 1_024;

interface Answer {
  readonly text: string;
  /** A mismatch with so large a value that only the mismatch is remembered. */
  readonly isBare: boolean;
  /** Where it was given first: group and index. */
  readonly gid: number;
  readonly index: number;
}

export class SessionChecker implements Observer {
  /** By client and sequence number, in all groups: a session moves with its shard. */
  readonly #answers = new Map<string, Answer>();
  /** Keys and bytes of each life's shards after the latest batch. */
  readonly #figures = new WeakMap<NodeView, string>();

  nodeStarted(node: NodeView): void {
    this.#figures.set(node, figuresOf(node));
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    if (node.machine.kind !== "group") return;
    let isUnchanged = true;
    for (const { entry, replies } of applied) {
      for (const [i, step] of stepsOf(entry).entries()) {
        const isRepeat = step.kind === "writes" &&
          this.#isRepeat(node, entry.index, step, resultsOf(replies[i]));
        if (!isRepeat) isUnchanged = false;
      }
    }
    const before = this.#figures.get(node);
    const now = figuresOf(node);
    this.#figures.set(node, now);
    check(
      !isUnchanged || before === undefined || before === now,
      "once",
      () =>
        `At ${
          applied.at(-1)?.entry.index
        } ${node.address} executed again what had been executed: ` +
        `${before} became ${now}`,
    );
  }

  appliedTo(node: NodeView): void {
    // A snapshot may have brought another state.
    this.#figures.set(node, figuresOf(node));
  }

  /** Whether the batch asks for nothing that was not answered before, or for nothing at all. */
  #isRepeat(
    node: NodeView,
    index: number,
    { clientId, writes }: Extract<GroupStep, { kind: "writes" }>,
    results: readonly Result[],
  ): boolean {
    let isRepeat = true;
    for (const [i, { sequence }] of writes.entries()) {
      const result = results[i];
      if (result === undefined || !REMEMBERED.includes(result.code)) continue;
      if (clientId === "0") return false;
      const text = textOf(result);
      const name = `${clientId} ${sequence}`;
      const first = this.#answers.get(name);
      const isHere = first?.gid === node.gid && first.index === index;
      const isMismatch = result.code === ResultCode.RESULT_MISMATCH;
      const mayDiffer = first?.isBare === true && isMismatch && !isHere;
      check(
        first === undefined || first.text === text || mayDiffer,
        "once",
        () =>
          `Write ${sequence} of client ${clientId} was answered ${first?.text} at ${first?.index} ` +
          `of group ${first?.gid} and ${text} at ${index} by ${node.address}`,
      );
      const isBare = isMismatch && result.value.length > REMEMBERED_BYTES_MAX;
      if (first === undefined) this.#answers.set(name, { text, isBare, gid: node.gid, index });
      if (first === undefined || isHere) isRepeat = false;
    }
    return isRepeat;
  }
}

function resultsOf(reply: unknown): readonly Result[] {
  const { kind, results } = reply as { readonly kind: string; readonly results?: Result[] };
  return kind === "writes" ? results ?? [] : [];
}

function textOf({ code, hasValue, value }: Result): string {
  return `${ResultCode[code]} ${hasValue ? `${value.length} bytes ${crc32(value)}` : ""}`.trim();
}

function figuresOf({ machine }: NodeView): string {
  if (machine.kind !== "group") return "";
  return machine.machine.figures().map(({ shard, keys, bytes }) => `${shard}: ${keys} ${bytes}`)
    .join(", ");
}
