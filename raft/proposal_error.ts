/** Why the core refuses a request; an expected outcome the caller answers for. */

/**
 * - `notLeader`: this node does not lead (or, for a read, knows no leader)
 * - `overloaded`: a bound of `RaftConfig` is reached; try again later
 * - `transferring`: leadership is being handed over; try again soon
 * - `changing`: another change of members is under way, or this leader is too new to begin one; try again soon
 * - `invalidChange`: the change makes no sense in the configuration in force
 */
export type ProposalErrorCode =
  | "notLeader"
  | "overloaded"
  | "transferring"
  | "changing"
  | "invalidChange";

/** A request was refused and changed nothing. */
export class ProposalError extends Error {
  override readonly name = "ProposalError";
  readonly code: ProposalErrorCode;

  constructor(code: ProposalErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
