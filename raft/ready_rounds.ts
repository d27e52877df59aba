/**
 * The rounds in which the core's work is handed out (ready.ts): what is new since
 * the last one, and what this node owes itself once a round is on disk.
 */
import { invariant } from "../runtime/invariant.ts";
import type { Message } from "./message.ts";
import type { RaftCore } from "./raft_core.ts";
import type { Ready, SoftState } from "./ready.ts";
import { step } from "./step.ts";
import type { Entry, HardState } from "./types.ts";

/** A round that has something to wait for, and what this node owes itself after it. */
interface Round {
  readonly ready: Ready;
  readonly ownMessages: readonly Message[];
}

export class ReadyRounds {
  readonly #core: RaftCore;
  /** What the driver was last told. */
  #softState: SoftState;
  #hardState: HardState;
  /** Rounds that are not reported as persisted, oldest first. */
  readonly #unsaved: Round[] = [];

  /** @param hardState As last saved */
  constructor(core: RaftCore, hardState: HardState) {
    this.#core = core;
    this.#hardState = hardState;
    this.#softState = softStateOf(core);
  }

  /** Whether there is anything new. */
  get hasNext(): boolean {
    const core = this.#core;
    return core.messages.length > 0 || core.messagesAfterPersist.length > 0 ||
      core.log.hasUnsaved || core.log.hasCommitted(core.config.applyBytesMax) ||
      core.readStates.length > 0 || core.droppedReads.length > 0 ||
      core.restoredSnapshot !== undefined || !isSameSoftState(this.#softState, core) ||
      core.term !== this.#hardState.term || core.vote !== this.#hardState.vote;
  }

  /** Takes all that is new out of the core. */
  next(): Ready {
    const core = this.#core;
    const entries = core.log.takeUnsaved();
    const { messagesAfterPersist, ownMessages } = this.#takePromises(entries);
    const ready: Ready = {
      softState: this.#takeSoftState(),
      hardState: this.#takeHardState(entries),
      snapshot: core.restoredSnapshot,
      entries,
      messages: orNone(core.messages),
      messagesAfterPersist,
      committedEntries: core.log.takeCommitted(core.config.applyBytesMax),
      readStates: orNone(core.readStates),
      droppedReads: orNone(core.droppedReads),
    };
    core.restoredSnapshot = undefined;
    if (core.messages.length > 0) core.messages = [];
    if (core.readStates.length > 0) core.readStates = [];
    if (core.droppedReads.length > 0) core.droppedReads = [];
    if (hasPromises(ready)) this.#unsaved.push({ ready, ownMessages });
    else invariant(ownMessages.length === 0, "This node owes itself only what goes to disk");
    return ready;
  }

  /** Everything in `ready` is durable; told in the order of the rounds. */
  persisted(ready: Ready): void {
    if (!hasPromises(ready)) return;
    const core = this.#core;
    const round = this.#unsaved.shift();
    invariant(round?.ready === ready, "Rounds are persisted in the order they were taken");
    if (ready.hardState !== undefined) {
      invariant(ready.hardState.term >= core.durableTerm, "The term on disk never falls");
      core.durableTerm = ready.hardState.term;
    }
    if (ready.entries.length > 0) core.log.markSaved();
    for (const message of round.ownMessages) step(core, message);
  }

  /**
   * Splits the messages that wait for the disk into those to peers and those to
   * this node itself.
   */
  #takePromises(entries: readonly Entry[]) {
    const core = this.#core;
    const { config: { id }, term } = core;
    const all = orNone(core.messagesAfterPersist);
    const isOwn = (message: Message) => message.to === id;
    const hasOwn = all.some(isOwn);
    const ownMessages: Message[] = hasOwn ? all.filter(isOwn) : [];
    const messagesAfterPersist = hasOwn ? all.filter((message) => !isOwn(message)) : all;
    if (all.length > 0) core.messagesAfterPersist = [];
    const last = entries[entries.length - 1];
    if (core.role === "leader" && last !== undefined) {
      // A leader counts its own copy like any other: once it is on disk.
      ownMessages.push({
        type: "appendResponse",
        from: id,
        to: id,
        term,
        index: last.index,
        reject: false,
        hintIndex: 0,
        hintTerm: 0,
      });
    }
    return { messagesAfterPersist, ownMessages };
  }

  #takeSoftState(): SoftState | undefined {
    if (isSameSoftState(this.#softState, this.#core)) return undefined;
    this.#softState = softStateOf(this.#core);
    return this.#softState;
  }

  /** A commit index alone is not worth a write: it is found again after a restart. */
  #takeHardState(entries: readonly Entry[]): HardState | undefined {
    const { term, vote, log: { commit }, restoredSnapshot } = this.#core;
    const isPromise = term !== this.#hardState.term || vote !== this.#hardState.vote;
    const isPassenger = commit !== this.#hardState.commit &&
      (entries.length > 0 || restoredSnapshot !== undefined);
    if (!isPromise && !isPassenger) return undefined;
    this.#hardState = { term, vote, commit };
    return this.#hardState;
  }
}

const NOTHING: readonly never[] = Object.freeze([]);

/**
 * The list, or a constant if it is empty: the core goes on filling the list, and a
 * round must not change.
 */
function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length > 0 ? list : NOTHING;
}

function hasPromises(ready: Ready): boolean {
  return ready.entries.length > 0 || ready.hardState !== undefined ||
    ready.snapshot !== undefined || ready.messagesAfterPersist.length > 0;
}

function softStateOf({ role, leader, term }: RaftCore): SoftState {
  return { role, leader, term };
}

function isSameSoftState(softState: SoftState, core: RaftCore): boolean {
  return softState.role === core.role && softState.leader === core.leader &&
    softState.term === core.term;
}
