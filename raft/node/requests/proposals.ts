/** Proposals on their way: gathered into entries, then waiting for their entry to be applied. */
import * as pb from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { PAYLOAD_BYTES_MAX } from "../../../rpc/limits.ts";
import { asBuffer } from "../../../runtime/buffers.ts";
import { invariant } from "../../../runtime/invariant.ts";
import { SequenceMap } from "../../../runtime/sequence_map.ts";
import type { LogIndex, Term } from "../../types.ts";

/** Payload bytes that may wait for an entry; beyond that callers are told to come back later. */
const QUEUE_BYTES_MAX = 64 << 20;
/** Proposals that may wait for an entry. */
const QUEUE_PROPOSALS_MAX = 16_384;
/** An entry closes once it holds this much; a single larger proposal still gets one of its own. */
const ENTRY_BYTES_MAX = 1 << 20;
/** Proposals of one entry; bounds the work of applying it. */
const ENTRY_PROPOSALS_MAX = 1024;
/**
 * Values of keys that one entry reads when it is applied: all of them are in
 * memory then, on every replica. A proposal should not read more by itself.
 */
export const ENTRY_VALUES_MAX = 128;
/** A proposal past this could not travel in one message beside its envelope. */
export const PROPOSAL_BYTES_MAX = PAYLOAD_BYTES_MAX - (64 << 10);

/**
 * When a proposer gets its reply: once the outcome is decided (the entry is
 * committed and the machine has answered; readers may not see its effect yet),
 * or once the effect is in the engine.
 */
export type ReplyAt = "decided" | "applied";

interface Proposal {
  readonly payload: Uint8Array;
  readonly replyAt: ReplyAt;
  /** Values of keys that are read when it is applied. */
  readonly values: number;
  resolve(reply: unknown): void;
  reject(error: KvError): void;
}

interface WaitingEntry {
  readonly term: Term;
  readonly proposals: readonly Proposal[];
  /** How many the entry gets when it is applied. */
  readonly replies: number;
}

interface DecidedProposal {
  readonly index: LogIndex;
  readonly proposal: Proposal;
  readonly reply: unknown;
}

export class Proposals {
  #queue: Proposal[] = [];
  #queueBytes = 0;
  /** Proposed and not decided yet, by index. */
  readonly #waiting = new SequenceMap<WaitingEntry>();
  /** Decided, and to be answered once the engine has their effect. */
  #decided: DecidedProposal[] = [];

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether anybody waits for the engine to have what is decided. */
  get hasDecided(): boolean {
    return this.#decided.length > 0;
  }

  /**
   * @param values Values of keys that are read when it is applied
   * @throws {KvError} OVERLOADED if the queue is full, INVALID_ARGUMENT if the payload is too large
   */
  enqueue(payload: Uint8Array, replyAt: ReplyAt, values: number): Promise<unknown> {
    if (payload.length > PROPOSAL_BYTES_MAX) {
      const why = `Cannot propose ${payload.length} bytes: at most ${PROPOSAL_BYTES_MAX} fit`;
      return Promise.reject(new KvError("INVALID_ARGUMENT", why));
    }
    if (
      this.#queue.length >= QUEUE_PROPOSALS_MAX ||
      this.#queueBytes + payload.length > QUEUE_BYTES_MAX
    ) {
      const why = `Cannot propose: ${this.#queue.length} proposals wait already`;
      return Promise.reject(new KvError("OVERLOADED", why));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ payload, replyAt, values, resolve, reject });
      this.#queueBytes += payload.length;
    });
  }

  /** Forms the next entry's data from what waits and hands it to `propose`, which may throw. */
  proposeNext(timeMs: number, propose: (data: Uint8Array) => { index: LogIndex; term: Term }) {
    const count = this.#nextEntryCount();
    const proposals = this.#queue.slice(0, count);
    const data = pb.EntryPayload.encode({
      timeMs,
      proposals: proposals.map(({ payload }) => asBuffer(payload)),
    }).finish();
    const { index, term } = propose(data);
    this.#queue.splice(0, count);
    for (const { payload } of proposals) this.#queueBytes -= payload.length;
    this.#wait(index, { term, proposals, replies: count });
  }

  /**
   * Waits for an entry that was proposed past the queue; its effect is in the engine then.
   *
   * @param replies 1 for a change of members, 0 for an entry without data
   */
  await(index: LogIndex, term: Term, replies: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const payload = new Uint8Array(0);
      const proposals: Proposal[] = [{ payload, replyAt: "applied", values: 0, resolve, reject }];
      this.#wait(index, { term, proposals, replies });
    });
  }

  #wait(index: LogIndex, entry: WaitingEntry): void {
    // An entry that was overwritten at the same index can no longer be applied under its term.
    const overwritten = this.#waiting.get(index);
    if (overwritten !== undefined) this.#failEntry(overwritten, lost());
    this.#waiting.set(index, entry);
  }

  /**
   * Takes the replies of an entry, and answers the proposers that wait for no more
   * than the outcome.
   */
  settle(index: LogIndex, term: Term, replies: readonly unknown[]): void {
    const entry = this.#waiting.get(index);
    if (entry === undefined) return;
    this.#waiting.delete(index);
    if (entry.term !== term) return this.#failEntry(entry, lost());
    invariant(
      replies.length === entry.replies,
      () => `Entry ${index} has ${replies.length} replies, not ${entry.replies}`,
    );
    entry.proposals.forEach((proposal, i) => {
      if (proposal.replyAt === "decided") proposal.resolve(replies[i]);
      else this.#decided.push({ index, proposal, reply: replies[i] });
    });
  }

  /** Everything up to `upTo` is in the engine. */
  applied(upTo: LogIndex): void {
    // In the order of their indexes, as they were decided.
    const behind = this.#decided.findIndex(({ index }) => index > upTo);
    const done = this.#decided.splice(0, behind < 0 ? this.#decided.length : behind);
    for (const { proposal, reply } of done) proposal.resolve(reply);
  }

  /** Fails everybody: this node goes on no more. */
  failAll(error: KvError): void {
    this.failQueued(error);
    this.failWaiting(error);
    const decided = this.#decided;
    this.#decided = [];
    for (const { proposal } of decided) proposal.reject(error);
  }

  /** Fails what waits for an entry: it was never proposed. */
  failQueued(error: KvError): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#queueBytes = 0;
    for (const proposal of queue) proposal.reject(error);
  }

  /** Fails what was proposed and not decided: it may still take effect. */
  failWaiting(error: KvError): void {
    const entries = this.#waiting.values();
    this.#waiting.clear();
    for (const entry of entries) this.#failEntry(entry, error);
  }

  #failEntry(entry: WaitingEntry, error: KvError): void {
    for (const proposal of entry.proposals) proposal.reject(error);
  }

  #nextEntryCount(): number {
    let bytes = 0;
    let read = 0;
    let count = 0;
    for (const { payload, values } of this.#queue) {
      if (count > 0 && bytes + payload.length > ENTRY_BYTES_MAX) break;
      if (count > 0 && read + values > ENTRY_VALUES_MAX) break;
      if (count >= ENTRY_PROPOSALS_MAX) break;
      bytes += payload.length;
      read += values;
      count++;
    }
    return count;
  }
}

/** The leader changed before the write was known to be committed. */
export function lost(leader?: string): KvError {
  return new KvError("LEADERSHIP_LOST", "Lost the leadership while the write was under way", {
    leader,
  });
}
