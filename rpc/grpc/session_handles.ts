/**
 * Deno 2.9 never frees what it keeps of an HTTP/2 connection natively, and that
 * keeps everything which stands on the object for it: the session, the socket,
 * and what gRPC and this server know of the connection. A server lost 6 KB of
 * heap for good with each client that came and went. Deno has no option for it,
 * so this reaches for what node:http2 keeps to itself; should that be elsewhere
 * one day, connections cost as much as before and a test fails.
 */
import type { Http2Session } from "node:http2";

/** A session of node:http2 keeps its native half under a symbol of this description. */
const HANDLE_DESCRIPTION = "kHandle";

/**
 * Has the native half of a session keep nothing once the session is closed.
 *
 * @returns Whether it was where it is expected
 */
export function freeWhenClosed(session: Http2Session): boolean {
  const symbol = Object.getOwnPropertySymbols(session)
    .find(({ description }) => description === HANDLE_DESCRIPTION);
  const handle: unknown = symbol && Reflect.get(session, symbol);
  if (typeof handle !== "object" || handle === null) return false;
  // The session lets go of it before it is closed, and nothing is called on it any more.
  session.once("close", () => {
    for (const key of Reflect.ownKeys(handle)) Reflect.deleteProperty(handle, key);
  });
  return true;
}
