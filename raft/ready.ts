/** What the core wants done, and the duties that come with each part. */
import type { Message } from "./message.ts";
import type { Entry, HardState, LogIndex, NodeId, Role, SnapshotMeta, Term } from "./types.ts";

/** A read that may be served once everything up to `index` is applied. */
export interface ReadState {
  readonly context: number;
  readonly index: LogIndex;
}

/** Role and leader; nothing here needs to be saved. */
export interface SoftState {
  readonly role: Role;
  readonly leader: NodeId;
  readonly term: Term;
}

/**
 * One round of work. The caller must
 * 1. send `messages` at any time, also before anything is saved (a leader
 *    replicates while it writes its own disk, thesis 10.2.1);
 * 2. save `snapshot`, then `entries` and `hardState`, in that order and in the
 *    order of the rounds; entries replace whatever the store holds from their
 *    first index on;
 * 3. once that is durable call `RawNode.persisted(ready)` and then, not
 *    before, send `messagesAfterPersist`: votes and acknowledgements promise
 *    what is on disk. Messages this node owes itself are delivered inside
 *    `persisted`;
 * 4. apply `committedEntries` in order and report with `RawNode.applied(index)`.
 * Rounds may overlap: the next may be taken before this one is persisted or
 * applied.
 */
export interface Ready {
  /** Present if it changed since the last round. */
  readonly softState: SoftState | undefined;
  /** Present if it must be written; only ever together with entries, a snapshot, or a changed term or vote. */
  readonly hardState: HardState | undefined;
  /** A restored snapshot whose data the driver has staged; the store's log must be replaced by it. */
  readonly snapshot: SnapshotMeta | undefined;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  /** Committed and durable here, not handed out before; bounded by `applyBytesMax`. */
  readonly committedEntries: readonly Entry[];
  readonly readStates: readonly ReadState[];
  /** Contexts of reads that were refused: leadership was lost before they were confirmed. */
  readonly droppedReads: readonly number[];
}
