/** The limits a run was given, as far as checkers judge by them. */
import type { RaftConfig } from "../../../raft/config.ts";

export interface CheckedLimits extends
  Pick<
    RaftConfig,
    "appendBytesMax" | "inflightMessagesMax" | "inflightBytesMax" | "uncommittedBytesMax"
  > {
  /** Longest time a client gives a call, in milliseconds. */
  readonly callTimeoutMaxMs: number;
}
