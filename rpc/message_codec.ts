/** Turns messages into bytes and back with the same limits and errors on every carrier. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { KvError } from "./errors.ts";
import { MESSAGE_BYTES_MAX, REQUEST_FIELDS_MAX } from "./limits.ts";
import type { Method } from "./service.ts";

/** @throws {KvError} INVALID_ARGUMENT When the request is above {@linkcode MESSAGE_BYTES_MAX} */
export function encodeRequest<Request, Response>(
  method: Method<Request, Response>,
  request: Request,
): Buffer {
  const bytes = method.requestSerialize(request);
  if (bytes.length <= MESSAGE_BYTES_MAX) return bytes;
  throw new KvError("INVALID_ARGUMENT", tooLarge("request", method.path, bytes.length));
}

/** @throws {KvError} INVALID_ARGUMENT When the bytes are not such a request */
export function decodeRequest<Request, Response>(
  method: Method<Request, Response>,
  bytes: Buffer,
): Request {
  try {
    checkFields(bytes);
    return method.requestDeserialize(bytes);
  } catch (cause) {
    throw new KvError("INVALID_ARGUMENT", notDecodable("request", method.path, cause), { cause });
  }
}

/**
 * Two bytes of a message may become an object of a hundred, and a message of
 * such fields an event loop that stands still for seconds: so the fields of
 * large ones are counted first, which costs a fraction of that.
 *
 * @throws {RangeError} If there are more than {@linkcode REQUEST_FIELDS_MAX}, or one is cut off
 */
function checkFields(bytes: Buffer): void {
  // Too short to have so many.
  if (bytes.length <= 2 * REQUEST_FIELDS_MAX) return;
  const reader = new BinaryReader(bytes);
  for (let count = 1; reader.pos < reader.len; count++) {
    if (count > REQUEST_FIELDS_MAX) {
      throw new RangeError(`Message has more than ${REQUEST_FIELDS_MAX} fields`);
    }
    const tag = reader.uint32();
    // Decoders take either for the end of the message.
    if (tag === 0 || (tag & 7) === WireType.EndGroup) return;
    reader.skip(tag & 7);
  }
}

/** @throws {KvError} INTERNAL When the response is above {@linkcode MESSAGE_BYTES_MAX} */
export function encodeResponse<Request, Response>(
  method: Method<Request, Response>,
  response: Response,
): Buffer {
  const bytes = method.responseSerialize(response);
  if (bytes.length <= MESSAGE_BYTES_MAX) return bytes;
  throw new KvError("INTERNAL", tooLarge("response", method.path, bytes.length));
}

/** @throws {KvError} INTERNAL When the bytes are not such a response */
export function decodeResponse<Request, Response>(
  method: Method<Request, Response>,
  bytes: Buffer,
): Response {
  try {
    return method.responseDeserialize(bytes);
  } catch (cause) {
    throw new KvError("INTERNAL", notDecodable("response", method.path, cause), { cause });
  }
}

function tooLarge(what: string, path: string, bytes: number): string {
  return `Cannot send the ${what} of ${path}: it has ${bytes} bytes, the limit is ${MESSAGE_BYTES_MAX}`;
}

function notDecodable(what: string, path: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `Cannot decode the ${what} of ${path}: ${reason}`;
}
