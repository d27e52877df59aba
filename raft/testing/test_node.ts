/** A node under test with a disk and a state machine that are plain arrays. */
import { assert } from "@std/assert";
import { createPrng, type Prng } from "../../runtime/prng.ts";
import { DEFAULT_RAFT_CONFIG, type RaftConfig } from "../config.ts";
import { type ConfChange, LEAVE_JOINT } from "../membership/conf_change.ts";
import type { Message } from "../message.ts";
import { RawNode } from "../raw_node.ts";
import type { Ready } from "../ready.ts";
import type {
  ConfState,
  Entry,
  HardState,
  LogIndex,
  NodeId,
  SnapshotMeta,
  Term,
} from "../types.ts";
import { Disk } from "./disk.ts";

export interface TestNodeOptions {
  id?: NodeId;
  /** Or a whole membership in `confState`. */
  voters?: readonly NodeId[];
  confState?: ConfState;
  config?: Partial<RaftConfig>;
  prng?: Prng;
  hardState?: Partial<HardState>;
  /** The terms of the entries in the log, from the first on. */
  log?: readonly Term[];
  disk?: Disk;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text as the payload of an entry. */
export function payload(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A change of members as the payload of an entry. */
function changePayload(change: ConfChange): Uint8Array {
  return payload(JSON.stringify(change));
}

/** The payload of an entry as text. */
export function textOf(entry: Entry): string {
  return decoder.decode(entry.data);
}

export function voters(...ids: NodeId[]): ConfState {
  return { voters: ids, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** Entries with the given terms, the first at index `first`; each says in which term it was made. */
export function entriesOfTerms(terms: readonly Term[], first: LogIndex = 1): Entry[] {
  return terms.map((term, i) => ({
    index: first + i,
    term,
    kind: "normal" as const,
    data: payload(`${term}/${first + i}`),
  }));
}

export class TestNode {
  readonly id: NodeId;
  readonly disk: Disk;
  readonly #config: RaftConfig;
  readonly #prng: Prng;
  raw: RawNode;
  /** Rounds that were taken and are not durable yet. */
  unsaved: Ready[] = [];
  /** Reads that were answered or dropped, by context. */
  readonly reads = new Map<number, LogIndex | "dropped">();
  /** The state that came with the snapshot under installation. */
  #staged: readonly Entry[] = [];
  /** Sees every round before anything is done about it. */
  onReady: (ready: Ready) => void = () => {};

  constructor(options: TestNodeOptions) {
    this.id = options.id ?? 1;
    this.disk = options.disk ?? new Disk(options.confState ?? voters(...options.voters ?? [1]));
    this.disk.entries.push(...entriesOfTerms(options.log ?? []));
    const lastTerm = this.disk.entries[this.disk.entries.length - 1]?.term ?? 0;
    this.disk.hardState = {
      ...this.disk.hardState,
      ...(options.disk ? {} : { term: lastTerm }),
      ...options.hardState,
    };
    this.#config = { ...DEFAULT_RAFT_CONFIG, ...options.config, id: this.id };
    this.#prng = options.prng ?? createPrng(this.id);
    this.raw = this.#open();
  }

  #open(): RawNode {
    return new RawNode({
      config: this.#config,
      prng: this.#prng,
      hardState: this.disk.hardState,
      confState: this.disk.confState,
      logStart: this.disk.logStart,
      entries: [...this.disk.entries],
      applied: this.disk.appliedIndex,
    });
  }

  /** Forgets everything that is not on disk. */
  restart(): void {
    this.unsaved = [];
    this.#staged = [];
    this.raw = this.#open();
  }

  get status() {
    return this.raw.status();
  }

  /** Payloads that were applied, without the entries leaders begin with. */
  get appliedTexts(): string[] {
    const commands = this.disk.applied.filter(({ kind }) => kind === "normal");
    return commands.map(textOf).filter((text) => text !== "");
  }

  /** Takes a message in; the state of a snapshot comes with it if it is wanted. */
  receive(message: Message, snapshotState: (meta: SnapshotMeta) => readonly Entry[]): void {
    if (message.type === "snapshot" && this.raw.wantsSnapshot(message.snapshot)) {
      this.#staged = snapshotState(message.snapshot);
    }
    this.raw.step(message);
  }

  /** Takes a round, if there is one, and returns what may leave at once. */
  take(): readonly Message[] {
    if (!this.raw.hasReady()) return [];
    const ready = this.raw.ready();
    this.onReady(ready);
    for (const { context, index } of ready.readStates) this.reads.set(context, index);
    for (const context of ready.droppedReads) this.reads.set(context, "dropped");
    this.unsaved.push(ready);
    return ready.messages;
  }

  /** Makes the oldest round durable, applies it, and returns what waited for that. */
  save(): readonly Message[] {
    const ready = this.unsaved.shift();
    assert(ready !== undefined, "there is a round to save");
    this.disk.save(ready, this.#staged);
    this.raw.persisted(ready);
    if (ready.snapshot !== undefined) this.raw.applied(ready.snapshot.index);
    for (const entry of ready.committedEntries) this.#apply(entry);
    if (ready.committedEntries.length > 0) this.raw.applied(this.disk.appliedIndex);
    return ready.messagesAfterPersist;
  }

  #apply(entry: Entry): void {
    this.disk.apply([entry]);
    if (entry.kind !== "confChange") return;
    const change = entry.data.length === 0 ? LEAVE_JOINT : JSON.parse(textOf(entry)) as ConfChange;
    this.disk.changeMembers(entry.index, this.raw.applyConfChange(entry.index, change));
  }

  /** Does all there is to do and returns every message in the order it left. */
  drain(): Message[] {
    const messages: Message[] = [];
    while (this.raw.hasReady()) {
      messages.push(...this.take());
      while (this.unsaved.length > 0) messages.push(...this.save());
    }
    return messages;
  }

  /** Ticks until something is sent or `ticksMax` have passed, and returns what is sent. */
  tickUntilSent(ticksMax = 100): Message[] {
    for (let i = 0; i < ticksMax; i++) {
      this.raw.tick();
      const messages = this.drain();
      if (messages.length > 0) return messages;
    }
    return [];
  }

  compact(index: LogIndex): void {
    this.raw.compact(index);
    this.disk.compact(index);
  }

  propose(text: string): { index: LogIndex; term: Term } {
    return this.raw.propose(payload(text));
  }

  proposeChange(...changes: ConfChange["changes"]): { index: LogIndex; term: Term } {
    const change = { changes };
    return this.raw.proposeConfChange(change, changePayload(change));
  }
}

/** Makes the node lead by the votes of its peers, and drops what it sent on the way. */
export function elect(node: TestNode): TestNode {
  node.raw.campaign();
  node.drain();
  for (const type of ["preVoteResponse", "voteResponse"] as const) {
    for (const from of node.raw.confState.voters) {
      if (from === node.id) continue;
      const { term } = node.status;
      const asked = type === "preVoteResponse" ? term + 1 : term;
      const news = { commit: 0, commitTerm: 0 };
      node.raw.step({ type, from, to: node.id, term: asked, reject: false, ...news });
    }
    node.drain();
  }
  assert(node.status.role === "leader", `node ${node.id} leads after an election`);
  return node;
}
