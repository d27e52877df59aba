/**
 * The connections of a gRPC server as node:http2 knows them. gRPC shows them to
 * nobody, so this reaches for what it keeps to itself; should that be elsewhere
 * one day, servers are slower and tests fail.
 */
import type { Server } from "@grpc/grpc-js";
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";

/** What a server of grpc-js 1.14 keeps to itself. */
interface Internals {
  readonly http2Servers?: ReadonlyMap<SessionSource, unknown>;
  /** Keeps the stream's connection from being taken for idle. */
  readonly onStreamOpened?: (stream: ServerHttp2Stream) => void;
}

interface SessionSource {
  on(event: "session", listener: (session: ServerHttp2Session) => void): unknown;
  on(event: "stream", listener: StreamListener): unknown;
  listeners(event: "stream"): StreamListener[];
  removeAllListeners(event: "stream"): unknown;
}

/** Not gRPC-Web, whose streams end otherwise. */
const GRPC_CONTENT_TYPE = /^application\/grpc(?:[+;]|$)/;
const UNSUPPORTED_MEDIA_TYPE = { ":status": 415 };

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** Has the listener told of each connection; to be called before the first comes. */
export function onSession(server: Server, listener: (session: ServerHttp2Session) => void): void {
  const { http2Servers: sources } = server as unknown as Internals;
  for (const source of sources?.keys() ?? []) source.on("session", listener);
}

/**
 * Has calls answered by somebody else than gRPC's library, and keeps from that
 * what it cannot handle; to be called before the first connection comes.
 *
 * - A stream may be destroyed before anybody is told of it: its connection broke
 *   right behind its headers. Answering it throws, which the library does not
 *   expect of calls that it turns away, such as those of unknown methods, and
 *   nobody would catch that.
 * - Calls in gRPC-Web are taken for gRPC by it, though their callers cannot read
 *   the answer. Calls in other protocols it answers with 200 on Deno, which does
 *   not have the constant for 415.
 * - A message that was compressed may be a thousand times as large once it is
 *   read. None of our clients compresses, so that is refused as an encoding that
 *   is not known would be, with UNIMPLEMENTED.
 *
 * @param take Answers a call, or returns false and leaves it to the library
 * @throws {TypeError} If this version of the library does not show its calls
 */
export function guardStreams(
  server: Server,
  take: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean,
): void {
  const internals = server as unknown as Internals;
  const { http2Servers: sources } = internals;
  if (sources === undefined || internals.onStreamOpened === undefined) {
    throw new TypeError("Cannot serve: this grpc-js hides its connections; install 1.14");
  }
  for (const source of sources.keys()) {
    const listeners = source.listeners("stream");
    source.removeAllListeners("stream");
    source.on("stream", (stream, headers) => {
      if (stream.destroyed || stream.closed) {
        stream.on("error", () => {});
        return;
      }
      if (!GRPC_CONTENT_TYPE.test(headers["content-type"] ?? "")) {
        turnAway(stream);
        return;
      }
      if (take(stream, headers)) {
        internals.onStreamOpened?.(stream);
        return;
      }
      const encoding = headers["grpc-encoding"];
      if (encoding === "gzip" || encoding === "deflate") {
        headers["grpc-encoding"] = `${encoding}, which this server does not take`;
      }
      for (const listener of listeners) listener(stream, headers);
    });
  }
}

function turnAway(stream: ServerHttp2Stream): void {
  stream.on("error", () => {});
  stream.resume();
  stream.respond(UNSUPPORTED_MEDIA_TYPE, { endStream: true });
  // Else the stream would stay for as long as its caller does not end the request.
  stream.close(constants.NGHTTP2_NO_ERROR);
}
