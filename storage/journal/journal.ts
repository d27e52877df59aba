/**
 * The journal beside a node's key-value engine, as a port: a sequence of
 * records, each durable before the next is written. Files for servers
 * (file_journal.ts), memory for tests and the simulator (memory_journal.ts).
 *
 * The Raft log is kept here and not in the engine, because its records are
 * written once, read at start and dropped in the order they came: in a merge
 * tree each would be written again with every flush, and its sync would wait
 * for flushes of the machine's data.
 */

/** A record as it is read back. */
export interface JournalRecord {
  /** From 1, without gaps between records that are kept. */
  readonly sequence: number;
  /** Belongs to the caller. */
  readonly payload: Buffer;
}

/**
 * Contract:
 * - After a crash the surviving records are a prefix of those appended that
 *   holds at least everything up to the last one acknowledged.
 * - What is written to the engine and what is written here are not in order
 *   with each other, except where one was acknowledged before the other began.
 * - After the engine was closed every call rejects with `EngineClosedError`.
 * - Anything else that goes wrong rejects with `EngineError`. After a failed
 *   append all later ones fail too: nobody knows what of it is on disk.
 */
export interface Journal {
  /** The number of the newest record; 0 if there never was one. */
  readonly newest: number;
  /** Bytes that it takes. */
  readonly bytes: number;
  /**
   * Puts a record, 1 byte or longer, behind all others, under the number after
   * `newest`. Calls must not overlap.
   *
   * @param payload Its parts, which must not be changed before the call resolves
   * @returns Resolves once the record survives a power cut
   */
  append(payload: readonly Uint8Array[]): Promise<void>;
  /** Every record that is kept, oldest first; to be read before anything is appended. */
  records(): AsyncIterable<JournalRecord>;
  /**
   * Allows records below a number to go, some now, others later, the newest
   * never. What takes their place must be durable.
   */
  forget(below: number): Promise<void>;
}
