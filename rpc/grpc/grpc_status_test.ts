import { assertEquals, assertStringIncludes } from "@std/assert";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorCode, errorTraits, KvError } from "../errors.ts";
import { fromServiceError, toGrpcStatus } from "./grpc_status.ts";

function serviceError(code: number, details: string, metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

Deno.test("toGrpcStatus() and fromServiceError() agree on every code", () => {
  for (const code of Object.keys(errorTraits) as ErrorCode[]) {
    const sent = new KvError(code, `Cannot do: ${code}`, { leader: "a:1" });
    const { code: grpcCode, details, metadata } = toGrpcStatus(sent);
    assertEquals(grpcCode, errorTraits[code].status);
    const received = fromServiceError(serviceError(grpcCode, details, metadata), "/p", "b:2");
    assertEquals(
      [received.code, received.message, received.leader],
      [code, sent.message, sent.leader],
    );
  }
});

Deno.test("fromServiceError() makes the best of servers that are not ours", () => {
  const known: [number, string, ErrorCode][] = [
    [status.UNAVAILABLE, "No connection established", "UNAVAILABLE"],
    [status.INTERNAL, "Received RST_STREAM with code 2", "UNAVAILABLE"],
    [status.CANCELLED, "Call cancelled", "UNAVAILABLE"],
    [status.UNKNOWN, "", "UNAVAILABLE"],
    [status.DEADLINE_EXCEEDED, "Deadline exceeded", "DEADLINE_EXCEEDED"],
    [status.RESOURCE_EXHAUSTED, "Bandwidth exhausted", "OVERLOADED"],
    [
      status.RESOURCE_EXHAUSTED,
      "Received message larger than max (5 vs 4)",
      "INVALID_ARGUMENT",
    ],
    [status.INVALID_ARGUMENT, "Bad", "INVALID_ARGUMENT"],
    [status.UNIMPLEMENTED, "No such method", "UNIMPLEMENTED"],
    [status.UNAUTHENTICATED, "Who are you", "REFUSED"],
  ];
  for (const [code, details, expected] of known) {
    const error = fromServiceError(serviceError(code, details), "/kv/Get", "b:2");
    assertEquals(error.code, expected, details);
    assertStringIncludes(error.message, `Cannot finish /kv/Get at b:2: ${details}`);
  }
});

Deno.test("fromServiceError() says of an answer that is none that another program may listen there", () => {
  const details = "Received message larger than max (577073778 vs 4259840)";
  const error = fromServiceError(serviceError(status.RESOURCE_EXHAUSTED, details), "/p", "b:2");
  assertStringIncludes(error.message, "it may be another program's port");
});

Deno.test("fromServiceError() takes no refusal of the transport for a promise that nothing happened", () => {
  const known: [number, string, boolean][] = [
    // What grpc-js makes of streams that are reset, and of a proxy's 401 and 403.
    [status.RESOURCE_EXHAUSTED, "Bandwidth exhausted or memory limit exceeded", true],
    [status.RESOURCE_EXHAUSTED, "Received message larger than max (5 vs 4)", true],
    [status.PERMISSION_DENIED, "Permission not adequate for call", true],
    [status.UNAUTHENTICATED, "Received HTTP status code 401", true],
    [status.RESOURCE_EXHAUSTED, "Attempted to send message with a size larger than 4", false],
    [status.RESOURCE_EXHAUSTED, "Sent message larger than max (5 vs. 4)", false],
    [status.INVALID_ARGUMENT, "Bad", false],
  ];
  for (const [code, details, maybe] of known) {
    assertEquals(fromServiceError(serviceError(code, details), "/p", "b:2").maybe, maybe, details);
  }
  const { code, details, metadata } = toGrpcStatus(new KvError("OVERLOADED", "Full"));
  assertEquals(fromServiceError(serviceError(code, details, metadata), "/p", "b:2").maybe, false);
});

Deno.test("fromServiceError() does not trust a trailer it does not know", () => {
  const metadata = new Metadata();
  metadata.set("eraft-error", "__proto__");
  const error = fromServiceError(serviceError(status.NOT_FOUND, "Gone", metadata), "/p", "b:2");
  assertEquals(error.code, "NOT_FOUND");
});
