/** Why the core refuses a request; an expected outcome the caller answers for. */

/**
 * - `notLeader`: this node does not lead (or, for a read, knows no leader)
 * - `overloaded`: a bound of `RaftConfig` is reached; try again later
 * - `transferring`: leadership is being handed over; try again soon
 */
export type ProposalErrorCode = "notLeader" | "overloaded" | "transferring";

/** A request was refused and changed nothing. */
export class ProposalError extends Error {
  override readonly name = "ProposalError";
  readonly code: ProposalErrorCode;

  constructor(code: ProposalErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
