/** Errors between {@linkcode KvError} and gRPC: the status tells any client, the trailers tell ours. */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorCode, errorTraits, isErrorCode, KvError } from "../errors.ts";
import { toWireError } from "../wire_error.ts";

const CODE_TRAILER = "eraft-error";
const LEADER_TRAILER = "eraft-leader";

/** What a gRPC handler answers for a call that failed. */
export interface FailedStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The status and trailers for what a handler threw. */
export function toGrpcStatus(error: unknown): FailedStatus {
  const wire = toWireError(error);
  const metadata = new Metadata();
  metadata.set(CODE_TRAILER, wire.code);
  if (wire.leader !== undefined) metadata.set(LEADER_TRAILER, wire.leader);
  return { code: errorTraits[wire.code].status, details: wire.message, metadata };
}

/** What a failed call means: as our server said, else what the status suggests. */
export function fromServiceError(error: ServiceError, path: string, address: string): KvError {
  const trailer = firstText(error.metadata, CODE_TRAILER);
  if (trailer !== undefined && isErrorCode(trailer)) {
    const leader = firstText(error.metadata, LEADER_TRAILER);
    return new KvError(trailer, error.details, { leader, cause: error });
  }
  const message = `Cannot finish ${path} at ${address}: ${
    readable(error.details || error.message)
  }`;
  const maybe = hasPerhapsArrived(error) ? true : undefined;
  return new KvError(codeOfStatus(error), message, { cause: error, maybe });
}

/**
 * Whether the call could not even begin because the connection is unusable: the
 * words are those of grpc-js, whose status for it has no other mark.
 */
export function couldNotBegin({ code, details }: Pick<ServiceError, "code" | "details">): boolean {
  return code === status.INTERNAL && details.startsWith("Failed to start HTTP/2 stream");
}

/**
 * Whether a refusal may be the transport's, or a proxy's, and about a request
 * that a server of ours has taken all the same: a stream that is reset says no
 * more than that. A message that grpc-js finds too large to send never leaves.
 */
function hasPerhapsArrived({ code, details }: ServiceError): boolean {
  switch (code) {
    case status.RESOURCE_EXHAUSTED:
      return !/^(?:Attempted to send message|Sent message) .*larger than/.test(details);
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
      return true;
    default:
      return false;
  }
}

/**
 * Without the frame that grpc-js puts around why it could not connect. It takes
 * whatever comes for a message: the first letters of a web page are the size of one.
 */
function readable(details: string): string {
  if (details.startsWith("Received message larger than max")) {
    return `${details}; no server of this store answers so, it may be another program's port`;
  }
  return details.replace(/\. Last error: (?:Error: )?/, ": ").replace(/\. Resolution note: $/, "");
}

function codeOfStatus(error: ServiceError): ErrorCode {
  switch (error.code) {
    case status.DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
      return "INVALID_ARGUMENT";
    case status.RESOURCE_EXHAUSTED:
      // A message above the limit stays above it, so trying again is of no use.
      return /larger than/.test(error.details) ? "INVALID_ARGUMENT" : "OVERLOADED";
    case status.UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case status.NOT_FOUND:
      return "NOT_FOUND";
    case status.ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case status.FAILED_PRECONDITION:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
      return "REFUSED";
    default:
      // UNAVAILABLE, INTERNAL (a broken HTTP/2 stream), CANCELLED (a server
      // that was stopped; the caller's own cancel never gets here), UNKNOWN.
      return "UNAVAILABLE";
  }
}

function firstText(metadata: Metadata | undefined, name: string): string | undefined {
  const value = metadata?.get(name)[0];
  return typeof value === "string" ? value : undefined;
}
