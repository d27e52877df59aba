/** Rounds as a test wants them. */
import type { Ready } from "../ready.ts";

/** A round that asks for these parts and nothing else. */
export function readyOf(parts: Partial<Ready>): Ready {
  return {
    softState: undefined,
    hardState: undefined,
    snapshot: undefined,
    entries: [],
    messages: [],
    messagesAfterPersist: [],
    committedEntries: [],
    readStates: [],
    droppedReads: [],
    ...parts,
  };
}
