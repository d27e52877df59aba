/**
 * One number for everything that happened in a run: equal seeds must give equal
 * numbers, or a failure could not be replayed.
 */
import type { Message } from "../../raft/message.ts";
import type { Ready } from "../../raft/ready.ts";
import type { HistoryOperation } from "./history.ts";
import type { AppliedEntry, NodeView, Observer, StopKind } from "./observation.ts";

/** Something that happened, in few words and numbers. */
type Detail = string | number | boolean | undefined;

export class EventLog implements Observer {
  readonly #now: () => number;
  readonly #trace: ((line: string) => void) | undefined;
  #a = 0x9e3779b9;
  #b = 0x243f6a88;
  #events = 0;

  /**
   * @param now Virtual milliseconds
   * @param trace Gets every event as a line of text
   */
  constructor(now: () => number, trace?: (line: string) => void) {
    this.#now = now;
    this.#trace = trace;
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** Hexadecimal. */
  get hash(): string {
    const half = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return half(this.#a) + half(this.#b);
  }

  record(kind: string, ...details: readonly Detail[]): void {
    this.#events++;
    this.#mixText(kind);
    this.#mixNumber(this.#now());
    for (const detail of details) {
      if (typeof detail === "number") this.#mixNumber(detail);
      else this.#mixText(String(detail));
    }
    this.#trace?.(`${this.#now().toFixed(3)} ${kind} ${details.join(" ")}`);
  }

  nodeStarted(node: NodeView): void {
    this.record("started", nameOf(node), node.life, node.disk);
  }

  nodeStopped(node: NodeView, how: StopKind): void {
    this.record("stopped", nameOf(node), node.life, how);
  }

  roundTaken(node: NodeView, ready: Ready): void {
    const { softState, hardState, snapshot, entries, committedEntries } = ready;
    this.record(
      "round",
      nameOf(node),
      softState?.role,
      softState?.leader,
      hardState?.term,
      hardState?.vote,
      hardState?.commit,
      snapshot?.index,
      entries[0]?.index,
      entries.length,
      committedEntries[0]?.index,
      committedEntries.length,
    );
  }

  entriesApplied(node: NodeView, applied: readonly AppliedEntry[]): void {
    for (const { entry } of applied) {
      this.record("applied", nameOf(node), entry.index, entry.term, entry.data.length);
    }
  }

  messageLeft(node: NodeView, message: Message): void {
    this.record("sent", nameOf(node), ...describe(message));
  }

  messageDelivered(node: NodeView, message: Message): void {
    this.record("received", nameOf(node), ...describe(message));
  }

  operationInvoked({ id, client, method, key, input }: HistoryOperation): void {
    this.record("call", id, client, method, key, JSON.stringify(input));
  }

  operationReturned({ id, outcome }: HistoryOperation): void {
    this.record("return", id, JSON.stringify(outcome));
  }

  configurationSeen({ num }: { num: number }): void {
    this.record("configuration", num);
  }

  healed(): void {
    this.record("healed");
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#mix(0xffff);
  }

  #mixNumber(value: number): void {
    const scaled = Math.round(value * 1_000);
    this.#mix(scaled | 0);
    this.#mix(Math.floor(scaled / 2 ** 32) | 0);
  }

  #mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x85ebca6b);
    this.#a ^= this.#a >>> 13;
    this.#b = Math.imul(this.#b ^ word, 0xc2b2ae35) + this.#a | 0;
    this.#b ^= this.#b >>> 16;
  }
}

function nameOf(node: { readonly address: string }): string {
  return node.address;
}

function describe(message: Message): Detail[] {
  const head = [message.type, message.from, message.to, message.term];
  switch (message.type) {
    case "append":
      return [...head, message.prevIndex, message.prevTerm, message.entries.length, message.commit];
    case "appendResponse":
      return [...head, message.index, message.reject, message.hintIndex, message.hintTerm];
    case "preVote":
    case "vote":
      return [...head, message.lastIndex, message.lastTerm, message.force];
    case "preVoteResponse":
    case "voteResponse":
      return [...head, message.reject];
    case "heartbeat":
      return [...head, message.commit, message.context];
    case "heartbeatResponse":
    case "readIndex":
      return [...head, message.context];
    case "readIndexResponse":
      return [...head, message.context, message.index, message.reject];
    case "snapshot":
      return [...head, message.snapshot.index, message.snapshot.term];
    default:
      return head;
  }
}
