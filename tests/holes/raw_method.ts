/** Calls whose requests are no messages. */
import type { Method } from "../../rpc/service.ts";

/** The same method for a caller that sends whatever bytes it likes. */
export function rawMethod<Request, Response>(
  method: Method<Request, Response>,
): Method<Uint8Array, unknown> {
  const requestSerialize = (bytes: Uint8Array) => Buffer.from(bytes);
  return { ...method, requestSerialize } as unknown as Method<Uint8Array, unknown>;
}
