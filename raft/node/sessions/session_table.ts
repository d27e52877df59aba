/**
 * Who has had which write answered: what makes a write take effect exactly
 * once although clients send it again (thesis section 6.3). Pure: time comes
 * from the log, so every replica keeps and forgets the same sessions.
 *
 * A client numbers its writes and names with each the lowest number it still
 * waits for. The table keeps the replies from that mark on; writes of one
 * client may be in flight together and arrive in any order.
 */
import { SESSION_TTL_MS } from "../../../rpc/retry.ts";
import { invariant } from "../../../runtime/invariant.ts";
import { SequenceMap } from "../../../runtime/sequence_map.ts";
import { decodeSession, encodeSession, type Session } from "./session_record.ts";

/** The client id that stands for "no session": nothing is remembered. */
export const NO_SESSION = "0";
/** Sessions of one table: bounds its memory to some tens of megabytes. */
const SESSIONS_MAX = 65_536;
/** Replies kept for one client: bounds the record that is rewritten when one of them changes. */
const SESSION_REPLIES_MAX = 16_384;
/** Bytes of replies kept for one client; the one that passes the bound is still kept. */
const SESSION_REPLY_BYTES_MAX = 1 << 20;

/** What a table may hold. */
export interface SessionTableOptions {
  /** Milliseconds of log time. @default {SESSION_TTL_MS} */
  readonly ttlMs?: number;
  /** @default {SESSIONS_MAX} */
  readonly sessionsMax?: number;
  /** @default {SESSION_REPLIES_MAX} */
  readonly repliesMax?: number;
}

/** What to do with a write. */
export type SessionVerdict =
  /** Execute it, then call `finish`. */
  | { readonly kind: "new" }
  /** It was executed: answer with this. */
  | { readonly kind: "repeat"; readonly reply: Uint8Array }
  /** The client said it had the answer: refuse it. */
  | { readonly kind: "stale" }
  /** There is no room to remember it: refuse it, nothing was executed. */
  | { readonly kind: "tooMany" };

/** A session that changed: its new record, or undefined once forgotten. */
export interface DirtySession {
  readonly clientId: string;
  readonly record: Buffer | undefined;
}

const NEW: SessionVerdict = { kind: "new" };
const STALE: SessionVerdict = { kind: "stale" };
const TOO_MANY: SessionVerdict = { kind: "tooMany" };

export class SessionTable {
  readonly #ttlMs: number;
  readonly #sessionsMax: number;
  readonly #repliesMax: number;
  /** Invariant: unless `#unsorted`, in ascending order of `lastUsedMs`. */
  #sessions = new Map<string, Session>();
  /** The session that was asked for last: all writes of a batch are from one client. */
  #latest: { readonly clientId: string; readonly session: Session } | undefined;
  /**
   * The session known to be last in the order: that of a client that is alone need
   * not be moved each time.
   */
  #newest: Session | undefined;
  #unsorted = false;
  #dirty = new Set<string>();

  constructor(options: SessionTableOptions = {}) {
    this.#ttlMs = options.ttlMs ?? SESSION_TTL_MS;
    this.#sessionsMax = options.sessionsMax ?? SESSIONS_MAX;
    this.#repliesMax = options.repliesMax ?? SESSION_REPLIES_MAX;
  }

  /** Number of sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Whether anything is remembered of the client. */
  has(clientId: string): boolean {
    return this.#sessions.has(clientId);
  }

  /** Whether `takeDirty` would return anything. */
  get hasDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /**
   * Asks whether a write is to be executed.
   *
   * @param clientId Decimal digits of an unsigned 64-bit number; "0" for no session
   * @param sequence The write's number among the client's, 0 or more
   * @param lowestUnanswered Every number below it has been answered to the client
   * @param nowMs Log time in whole milliseconds; must not go back from call to call
   */
  begin(
    clientId: string,
    sequence: number,
    lowestUnanswered: number,
    nowMs: number,
  ): SessionVerdict {
    if (clientId === NO_SESSION) return NEW;
    if (sequence < lowestUnanswered) return STALE;
    const session = this.#find(clientId);
    if (session === undefined) return this.#admit(clientId, lowestUnanswered, nowMs);
    if (sequence < session.mark) return STALE;
    this.#touch(clientId, session, nowMs);
    if (lowestUnanswered > session.mark) raiseMark(session, lowestUnanswered);
    const reply = session.replies.get(sequence);
    if (reply !== undefined) return { kind: "repeat", reply };
    const full = session.replies.size >= this.#repliesMax ||
      session.replyBytes >= SESSION_REPLY_BYTES_MAX;
    return full ? TOO_MANY : NEW;
  }

  /**
   * Remembers the reply of a write for which `begin` said "new".
   *
   * @param reply Kept as it is: must not be changed later, nor be a view of something larger
   */
  finish(clientId: string, sequence: number, reply: Uint8Array): void {
    if (clientId === NO_SESSION) return;
    const session = this.#find(clientId);
    invariant(session !== undefined, "A write is finished only after its session began");
    const { size } = session.replies;
    session.replies.set(sequence, reply);
    invariant(session.replies.size > size, "A write is finished once");
    session.replyBytes += reply.length;
  }

  /** Forgets the sessions that were last used `ttlMs` or longer before `nowMs`. */
  expire(nowMs: number): void {
    if (this.#unsorted) this.#sort();
    for (const [clientId, session] of this.#sessions) {
      if (session.lastUsedMs + this.#ttlMs > nowMs) break;
      this.#sessions.delete(clientId);
      this.#dirty.add(clientId);
    }
    this.#latest = undefined;
  }

  /** The sessions that changed since the last call, in no particular order. */
  takeDirty(): DirtySession[] {
    const changed: DirtySession[] = [];
    for (const clientId of this.#dirty) {
      const session = this.#sessions.get(clientId);
      changed.push({ clientId, record: session && encodeSession(session) });
    }
    // Not cleared: see sequence_map.ts.
    this.#dirty = new Set();
    return changed;
  }

  /**
   * Takes in a record that was stored by this table; not dirty afterwards.
   *
   * @throws {SyntaxError} If the record makes no sense
   */
  load(clientId: string, record: Uint8Array): void {
    this.#put(clientId, decodeSession(record));
  }

  /**
   * Takes in a record of another group's table; dirty afterwards. The time in
   * that group's log says nothing in ours: a session counts as used now.
   *
   * @throws {SyntaxError} If the record makes no sense
   */
  adopt(clientId: string, record: Uint8Array, nowMs: number): void {
    const session = decodeSession(record);
    session.lastUsedMs = nowMs;
    this.#put(clientId, session);
    this.#dirty.add(clientId);
  }

  #put(clientId: string, session: Session): void {
    this.#latest = undefined;
    this.#newest = undefined;
    this.#sessions.set(clientId, session);
    this.#unsorted = true;
  }

  #find(clientId: string): Session | undefined {
    if (this.#latest?.clientId === clientId) return this.#latest.session;
    const session = this.#sessions.get(clientId);
    this.#latest = session && { clientId, session };
    return session;
  }

  #admit(clientId: string, mark: number, nowMs: number): SessionVerdict {
    if (this.#sessions.size >= this.#sessionsMax) return TOO_MANY;
    this.#newest = { lastUsedMs: nowMs, mark, replies: new SequenceMap(), replyBytes: 0 };
    this.#sessions.set(clientId, this.#newest);
    this.#dirty.add(clientId);
    return NEW;
  }

  /** Moves a session to the end of the order; equal times may stand in any order. */
  #touch(clientId: string, session: Session, nowMs: number): void {
    this.#dirty.add(clientId);
    if (session.lastUsedMs >= nowMs) return;
    session.lastUsedMs = nowMs;
    if (this.#newest === session) return;
    this.#sessions.delete(clientId);
    this.#sessions.set(clientId, session);
    this.#newest = session;
  }

  #sort(): void {
    const entries = [...this.#sessions].sort(([, a], [, b]) => a.lastUsedMs - b.lastUsedMs);
    this.#sessions = new Map(entries);
    this.#unsorted = false;
  }
}

/** Drops the replies the client has had. */
function raiseMark(session: Session, mark: number): void {
  session.mark = mark;
  session.replies.deleteBelow(mark, (reply) => session.replyBytes -= reply.length);
}
