/** Watches a group in every scenario: one leader in a term, one entry at an index, none left out. */
import { assert, assertEquals } from "@std/assert";
import type { Message } from "../../../raft/message.ts";
import type { RaftObserver } from "../../../raft/node/observer.ts";
import type { Ready } from "../../../raft/ready.ts";
import type { LogIndex, NodeId, Term } from "../../../raft/types.ts";
import { EntryPayload } from "../../../proto/gen/raft.ts";

export class AgreementWatch {
  readonly #leaders = new Map<Term, NodeId>();
  /** What every node must apply at an index: its term and its proposals. */
  readonly #agreed = new Map<LogIndex, string>();
  /** Nodes that have handed the entry at an index to their machine. */
  readonly #appliedBy = new Map<LogIndex, Set<NodeId>>();
  readonly #lastApplied = new Map<NodeId, LogIndex>();
  /** Messages that left, by type. */
  readonly messages = new Map<Message["type"], number>();
  snapshotsInstalled = 0;
  /** Bytes of entries in messages that left. */
  entryBytes = 0;

  readonly observer = (id: NodeId): RaftObserver => ({
    started: (core) => {
      this.#lastApplied.set(id, core.status().applied);
    },
    roundTaken: (ready) => this.#take(id, ready),
    messageLeft: (message) => this.#count(message),
  });

  /** Messages of all types that left. */
  get messageCount(): number {
    return [...this.messages.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Terms that had a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** How many nodes have applied an entry that holds exactly this proposal. */
  appliedBy(proposal: string): number {
    for (const [index, entry] of this.#agreed) {
      if (proposalsIn(entry).includes(proposal)) return this.#appliedBy.get(index)?.size ?? 0;
    }
    return 0;
  }

  /** Every proposal that was applied anywhere, in the log's order. */
  get proposals(): string[] {
    const entries = [...this.#agreed].sort(([a], [b]) => a - b);
    return entries.flatMap(([, entry]) => proposalsIn(entry));
  }

  #take(id: NodeId, { softState, snapshot, committedEntries }: Ready): void {
    if (softState?.role === "leader") {
      const leader = this.#leaders.get(softState.term) ?? id;
      assertEquals(leader, id, `Two nodes lead in term ${softState.term}`);
      this.#leaders.set(softState.term, id);
    }
    if (snapshot !== undefined) {
      this.snapshotsInstalled++;
      this.#lastApplied.set(id, snapshot.index);
    }
    for (const { index, term, data } of committedEntries) {
      assertEquals(index, (this.#lastApplied.get(id) ?? 0) + 1, `Node ${id} left an entry out`);
      this.#lastApplied.set(id, index);
      const entry = `${term} ${Buffer.from(data).toString("latin1")}`;
      assert((this.#agreed.get(index) ?? entry) === entry, `Nodes differ at index ${index}`);
      this.#agreed.set(index, entry);
      const nodes = this.#appliedBy.get(index) ?? new Set();
      this.#appliedBy.set(index, nodes.add(id));
    }
  }

  #count(message: Message): void {
    this.messages.set(message.type, (this.messages.get(message.type) ?? 0) + 1);
    if (message.type !== "append") return;
    for (const { data } of message.entries) this.entryBytes += data.length;
  }
}

function proposalsIn(entry: string): string[] {
  const data = Buffer.from(entry.slice(entry.indexOf(" ") + 1), "latin1");
  return EntryPayload.decode(data).proposals.map((payload) => Buffer.from(payload).toString());
}
