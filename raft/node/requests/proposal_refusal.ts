/** What a caller hears when the core refuses a request. */
import { KvError } from "../../../rpc/errors.ts";
import { unreachable } from "../../../runtime/invariant.ts";
import { ProposalError } from "../../proposal_error.ts";

/**
 * @param error What the core threw
 * @param notLeader The answer of a node that does not lead, with who does
 * @throws The error itself, if it is no refusal
 */
export function refusal(error: unknown, notLeader: KvError): KvError {
  if (!(error instanceof ProposalError)) throw error;
  const { code, message } = error;
  switch (code) {
    case "notLeader":
      return notLeader;
    case "overloaded":
      return new KvError("OVERLOADED", message, { cause: error });
    case "transferring":
    case "changing":
      return new KvError("NOT_READY", message, { cause: error });
    case "invalidChange":
      return new KvError("INVALID_ARGUMENT", message, { cause: error });
    default:
      return unreachable(code);
  }
}
