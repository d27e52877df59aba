/**
 * HTTP/2 flow control (RFC 9113, section 5.2). Its windows of 64 KiB let a
 * message of 512 KiB cross in a dozen round trips, each of which waits for two
 * busy event loops.
 *
 * gRPC's clients have an option for larger ones. Its servers have none, so this
 * reaches for what they hand to node:http2; should that be elsewhere one day,
 * messages travel slower and a test fails.
 */
import type { Server } from "@grpc/grpc-js";
import type { Http2Session, Settings } from "node:http2";
import { FLOW_CONTROL_BYTES } from "../limits.ts";

/** What a server of grpc-js 1.14 keeps to itself. */
interface Internals {
  readonly commonServerOptions?: { settings?: Settings };
}

/** Widens the window of each stream; to be called before the server has anything to accept from. */
export function widenStreams(server: Server): void {
  const { commonServerOptions: options } = server as unknown as Internals;
  if (options === undefined) return;
  options.settings = { ...options.settings, initialWindowSize: FLOW_CONTROL_BYTES };
}

/** Widens the window that the streams of a connection share. */
export function widenConnection(session: Http2Session): void {
  session.setLocalWindowSize(FLOW_CONTROL_BYTES);
}
