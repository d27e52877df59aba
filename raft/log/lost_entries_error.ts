/** What a node throws that finds its disk to have forgotten what it has promised. */
import type { LogIndex, Term } from "../types.ts";

/**
 * The log lacks entries that this node has acknowledged to the leader it
 * follows now: they were on disk and are gone. The node must not go on. It
 * would be counted where it must not be, and as the leader sends nothing that
 * was acknowledged anew it would never catch up either.
 */
export class LostEntriesError extends Error {
  override readonly name = "LostEntriesError";

  /**
   * @param acknowledged What the leader of `term` was told to be here
   * @param lastIndex What is here
   */
  constructor(acknowledged: LogIndex, lastIndex: LogIndex, term: Term) {
    super(
      `Cannot trust the stored log: this node has acknowledged entry ${acknowledged} in term ` +
        `${term}, and its log ends at ${lastIndex}; wipe the directory and let the node rejoin ` +
        "as a new member",
    );
  }
}
