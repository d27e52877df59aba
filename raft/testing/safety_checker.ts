/**
 * Watches a group from outside and fails the test at the first step that breaks
 * one of Raft's promises (Raft paper, figure 3) or a promise about the disk.
 */
import { assert, assertEquals } from "@std/assert";
import { describeEntry, describeMessage } from "../describe.ts";
import type { AppendResponse, Message } from "../message.ts";
import type { Ready } from "../ready.ts";
import type { ConfState, Entry, LogIndex, NodeId, Role, Term } from "../types.ts";
import { type TestNode, textOf } from "./test_node.ts";

interface Committed {
  readonly entry: Entry;
  /** A term in which, or before which, it was committed. */
  readonly byTerm: Term;
}

interface Seen {
  readonly text: string;
  readonly previousTerm: Term | undefined;
}

interface HighWater {
  readonly term: Term;
  readonly commit: LogIndex;
  readonly role: Role;
  readonly conf: ConfState;
}

export class SafetyChecker {
  readonly #leaders = new Map<Term, NodeId>();
  readonly #committed = new Map<LogIndex, Committed>();
  readonly #entries = new Map<string, Seen>();
  readonly #votes = new Map<string, NodeId>();
  /** The highest index that was ever on each disk. */
  readonly #diskEnds = new Map<NodeId, LogIndex>();
  readonly #highWater = new Map<NodeId, HighWater>();
  readonly #readsFrom = new Map<string, LogIndex>();
  /** The highest index that any node was told is committed. */
  committedMax: LogIndex = 0;
  readonly #nodes: readonly TestNode[];

  constructor(nodes: readonly TestNode[]) {
    this.#nodes = nodes;
  }

  /** A node was restarted: what it had not saved is rightly forgotten. */
  restarted(node: TestNode): void {
    this.#highWater.delete(node.id);
  }

  /** A read begins: its answer must not lie before anything committed until now. */
  readBegins(node: TestNode, context: number): void {
    this.#readsFrom.set(`${node.id}/${context}`, this.committedMax);
  }

  ready(node: TestNode, ready: Ready): void {
    this.#checkCommitIsDurable(node);
    this.#checkMonotonic(node);
    this.#checkLeader(node, ready);
    this.#checkLogMatching(node, ready.entries);
    for (const entry of ready.committedEntries) this.#checkCommitted(node, entry);
    for (const { context, index } of ready.readStates) {
      const from = this.#readsFrom.get(`${node.id}/${context}`);
      assert(from !== undefined && index >= from, `read at ${index} misses commits up to ${from}`);
    }
  }

  /** Called when a round is on disk and the messages leave that waited for that. */
  afterSave(node: TestNode, saved: Ready): void {
    const { term, vote } = node.disk.hardState;
    this.#diskEnds.set(
      node.id,
      Math.max(node.disk.lastIndex, this.#diskEnds.get(node.id) ?? 0),
    );
    if (vote !== 0) {
      const key = `${node.id}/${term}`;
      assertEquals(this.#votes.get(key) ?? vote, vote, `node ${node.id} votes once in ${term}`);
      this.#votes.set(key, vote);
    }
    for (const message of saved.messagesAfterPersist) this.#checkDurable(node, saved, message);
  }

  #checkDurable(node: TestNode, saved: Ready, message: Message): void {
    const { disk } = node;
    const text = describeMessage(message);
    if (message.type === "preVote" || message.type === "preVoteResponse") return;
    assert(message.term <= disk.hardState.term, `${text} speaks of a term that is not on disk`);
    if (message.type === "appendResponse" && !message.reject) {
      this.#checkAcknowledged(node, saved, message);
    }
    if (message.type === "vote") {
      assert(message.lastIndex <= disk.lastIndex, `${text} but the disk ends at ${disk.lastIndex}`);
    }
    if (message.type === "voteResponse" && !message.reject) {
      const { term, vote } = disk.hardState;
      assert(message.term < term || vote === message.to, `${text} but ${vote} is on disk`);
    }
  }

  /**
   * What is acknowledged is on disk. To a leader that was deposed since it need
   * only have been there; or not even that, if a later leader replaced it before
   * it was saved: the round that is on disk now has the other entries instead.
   *
   * The deposed leader cannot commit by such an acknowledgement. Suppose it does.
   * Let U be the first term after its own whose leader lacks the entry: whoever
   * had it replaced led in U or later. Somebody has acknowledged the entry and
   * voted for the leader of U. Let it be this node. It accepted the entry before
   * it voted, for it was past that term afterwards; and it was replaced later,
   * for U was won by then. In between this node held the entry: it did not
   * restart, or the acknowledgement would have been lost, and the leaders of
   * terms before U have the entry, so that none of them replaced it. But who
   * holds an entry does not vote for a log without it.
   */
  #checkAcknowledged(node: TestNode, saved: Ready, message: AppendResponse): void {
    const { disk } = node;
    const { term, index } = message;
    const isStale = term < disk.hardState.term;
    if (isStale && isReplacedBy(saved, index, term)) return;
    const end = isStale ? this.#diskEnds.get(node.id) ?? 0 : disk.lastIndex;
    assert(index <= end, `${describeMessage(message)} but the disk ended at ${end}`);
  }

  #checkMonotonic(node: TestNode): void {
    const { role, term, commit, applied, lastIndex, persistedIndex } = node.status;
    const before = this.#highWater.get(node.id);
    assert(before === undefined || term >= before.term, `term of node ${node.id} never falls`);
    assert(before === undefined || commit >= before.commit, `commit of ${node.id} never falls`);
    assert(applied <= commit, `applied ${applied} is within commit ${commit}`);
    assert(commit <= lastIndex, `commit ${commit} is within the log`);
    assert(persistedIndex <= lastIndex, `persisted ${persistedIndex} is within the log`);
    this.#highWater.set(node.id, { term, commit, role, conf: node.raw.confState });
  }

  /** What a leader commits is on the disks of a majority, of both while two must agree. */
  #checkCommitIsDurable(node: TestNode): void {
    const { role, commit, term: leaderTerm } = node.status;
    const before = this.#highWater.get(node.id);
    if (role !== "leader" || commit <= (before?.commit ?? 0)) return;
    // It learned of this commit before it led.
    if (before?.role !== "leader" || before.term !== leaderTerm) return;
    const conf = node.raw.confState;
    // The members have changed since the commit: by which it was judged cannot be told any more.
    if (before.conf !== conf) return;
    const term = node.raw.entryTerm(commit);
    const holders = this.#nodes.filter(({ disk }) =>
      disk.term(commit) === term || disk.logStart.index >= commit
    );
    for (const voters of [conf.voters, conf.votersOutgoing]) {
      const copies = holders.filter(({ id }) => voters.includes(id)).length;
      assert(
        voters.length === 0 || copies > voters.length / 2,
        `${copies} of ${voters.length} disks have what node ${node.id} commits`,
      );
    }
  }

  #checkLeader(node: TestNode, ready: Ready): void {
    if (ready.softState?.role !== "leader") return;
    const { term } = ready.softState;
    const other = this.#leaders.get(term);
    assert(other === undefined || other === node.id, `${other} and ${node.id} lead term ${term}`);
    this.#leaders.set(term, node.id);
    const { firstIndex } = node.status;
    for (const [index, { entry, byTerm }] of this.#committed) {
      if (byTerm >= term || index < firstIndex) continue;
      const own = node.raw.entryTerm(index);
      assertEquals(own, entry.term, `leader ${node.id} of term ${term} has entry ${index}`);
    }
  }

  /** By induction: equal (index, term) means equal payload and equal predecessor. */
  #checkLogMatching(node: TestNode, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const key = `${entry.term}/${entry.index}`;
      const previousTerm = node.raw.entryTerm(entry.index - 1);
      const seen = this.#entries.get(key);
      const now = { text: textOf(entry), previousTerm };
      if (seen === undefined) this.#entries.set(key, now);
      else assertEquals(seen, now, `entry ${key} is the same everywhere`);
    }
  }

  #checkCommitted(node: TestNode, entry: Entry): void {
    const { index, term } = entry;
    assertEquals(node.disk.term(index), term, `entry ${index} is on disk before it is applied`);
    this.committedMax = Math.max(this.committedMax, entry.index);
    const known = this.#committed.get(entry.index);
    const text = describeEntry(entry);
    if (known !== undefined) {
      assertEquals(text, describeEntry(known.entry), `index ${entry.index} is applied once`);
      return;
    }
    this.#committed.set(entry.index, { entry, byTerm: node.status.term });
  }
}

/** Whether a round has something of a later term in the place of what was accepted in `term`. */
function isReplacedBy({ snapshot, entries }: Ready, index: LogIndex, term: Term): boolean {
  if (snapshot !== undefined && snapshot.term > term) return true;
  const first = entries.find((entry) => entry.term > term);
  return first !== undefined && first.index <= index;
}
