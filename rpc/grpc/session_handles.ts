/**
 * Deno 2.9 never frees what it keeps of an HTTP/2 connection natively, and that
 * keeps everything which stands on the object for it: the session, the socket,
 * and what gRPC and the code here know of the connection. A server lost 6 KB of
 * heap for good with each client that came and went, a client 8 KB with each
 * connection. Deno has no option for it, so this reaches for what node:http2
 * keeps to itself; should that be elsewhere one day, connections cost as much as
 * before and a test fails.
 */
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";

/** A session of node:http2 keeps its native half under a symbol of this description. */
const HANDLE_DESCRIPTION = "kHandle";
/** A socket keeps its session under this one. */
const SESSION_DESCRIPTION = "kBoundSession";

/**
 * Has the native half of a session keep nothing once the session is closed.
 *
 * @returns Whether it was where it is expected
 */
export function freeWhenClosed(session: Http2Session): boolean {
  const handle = hidden(session, HANDLE_DESCRIPTION);
  if (handle === undefined) return false;
  session.once("close", () => empty(handle));
  return true;
}

/** No encryption; the sessions of a client that has these are freed when they are closed. */
export function insecureCredentials({ afterTurn }: Pick<Clock, "afterTurn">): ChannelCredentials {
  const insecure = credentials.createInsecure();
  const createConnector = insecure._createSecureConnector.bind(insecure);
  insecure._createSecureConnector = (...call) => {
    const connector = createConnector(...call);
    const connect = connector.connect.bind(connector);
    return Object.assign(connector, {
      connect: (socket: Socket) => {
        // The session is made of the socket in this turn.
        afterTurn(() => freeWithSocket(socket));
        return connect(socket);
      },
    });
  };
  return insecure;
}

/** By the socket's end, because gRPC takes every listener off a session that it has just connected. */
function freeWithSocket(socket: Socket): void {
  const session = hidden(socket, SESSION_DESCRIPTION) as Http2Session | undefined;
  const handle = session && hidden(session, HANDLE_DESCRIPTION);
  if (session === undefined || handle === undefined) return;
  socket.once("close", () => {
    if (session.destroyed) empty(handle);
    else session.once("close", () => empty(handle));
  });
}

/** The session has let go of it, and nothing is called on it any more. */
function empty(handle: object): void {
  for (const key of Reflect.ownKeys(handle)) Reflect.deleteProperty(handle, key);
}

/** What an object keeps under a symbol. */
function hidden(owner: object, description: string): object | undefined {
  const symbol = Object.getOwnPropertySymbols(owner).find((each) =>
    each.description === description
  );
  const value: unknown = symbol && Reflect.get(owner, symbol);
  return typeof value === "object" && value !== null ? value : undefined;
}
