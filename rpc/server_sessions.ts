/**
 * The connections of a gRPC server as node:http2 knows them. gRPC shows them to
 * nobody, so this reaches for what it keeps to itself; should that be elsewhere
 * one day, servers are slower and tests fail.
 */
import type { Server } from "@grpc/grpc-js";
import type { ServerHttp2Session } from "node:http2";

/** What a server of grpc-js 1.14 keeps to itself. */
interface Internals {
  readonly http2Servers?: ReadonlyMap<SessionSource, unknown>;
}

interface SessionSource {
  on(event: "session", listener: (session: ServerHttp2Session) => void): unknown;
}

/** Has the listener told of each connection; to be called before the first comes. */
export function onSession(server: Server, listener: (session: ServerHttp2Session) => void): void {
  const { http2Servers: sources } = server as unknown as Internals;
  for (const source of sources?.keys() ?? []) source.on("session", listener);
}
