/**
 * Unary calls of a gRPC server, in gRPC's framing (PROTOCOL-HTTP2.md of gRPC)
 * on node:http2 itself. Callers see no difference; with grpc-js a small call
 * takes a third longer, and requests that never come to their end are kept for
 * as long as their callers like.
 */
import { status } from "@grpc/grpc-js";
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type Clock, type Timer, TIMER_MS_MAX } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { KvError } from "../errors.ts";
import { COUNTED_ANSWER_BYTES_MIN, MESSAGE_BYTES_MAX } from "../limits.ts";
import { decodeRequest, encodeResponse } from "../message_codec.ts";
import type { Route, ServiceRoutes } from "../service.ts";
import { toGrpcStatus } from "./grpc_status.ts";
import { OpenCalls } from "./open_calls.ts";
import { callerGone, logUnforeseen, type ServerCall, ServerCallContext } from "./server_call.ts";
import type { UnsentAnswers } from "./unsent_answers.ts";
import { paceStream } from "./write_pacing.ts";

type UnaryRoute = Route & { readonly kind: "unary" };

/** Before each message: a byte that tells whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
/** What a header takes beside its name and value, as HTTP/2 counts it (RFC 9113, section 6.5.2). */
const HEADER_BYTES = 32;
const NO_BYTES = Buffer.alloc(0);
const NO_HEADERS: IncomingHttpHeaders = {};
const ANSWER_HEADERS = { ":status": 200, "content-type": "application/grpc+proto" };
const ANSWER_OPTIONS = { waitForTrailers: true, sendDate: false };
/** Tells who compressed a message what would have been taken instead. */
const REFUSAL_HEADERS = { ...ANSWER_HEADERS, "grpc-accept-encoding": "identity" };
const OK_TRAILERS = { "grpc-status": "0" };
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

export interface UnaryCallsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly unsent: UnsentAnswers;
  /** Bytes of requests that have not arrived whole, with their headers, on all connections. */
  readonly arrivingBytesMax: number;
}

/** Answers the unary calls of a server. */
export class UnaryCalls {
  readonly options: UnaryCallsOptions;
  readonly #routes = new Map<string, UnaryRoute>();
  /** In the order in which they came. */
  readonly #open = new OpenCalls<UnaryCall>();
  #arrivingBytes = 0;
  #onDone: (() => void) | undefined;

  /** @throws {TypeError} If two routes have the same path */
  constructor(routes: ServiceRoutes, options: UnaryCallsOptions) {
    this.options = options;
    for (const route of routes) {
      if (route.kind !== "unary") continue;
      const { path } = route.method;
      if (this.#routes.has(path)) throw new TypeError(`Cannot serve ${path} twice`);
      this.#routes.set(path, route);
    }
  }

  /**
   * Answers a call in gRPC's protocol, whatever its handler does: it never throws and never leaves
   * a rejection behind, either of which would take the process down.
   *
   * @returns Whether it is a unary call; if not, gRPC's library has to answer it
   */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const route = this.#routes.get(headers[":path"] ?? "");
    if (route === undefined) return false;
    new UnaryCall(this, route, stream, headers);
    return true;
  }

  /** Resolves once no call is under way. */
  done(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onDone = resolve);
  }

  /** Ends all calls with an error. */
  breakOff(error: KvError): void {
    for (const call of this.#open) call.breakOff(error);
  }

  /** @returns What {@linkcode close} wants */
  open(call: UnaryCall): number {
    return this.#open.add(call);
  }

  close(number: number): void {
    this.#open.delete(number);
    if (this.#open.size === 0) this.#onDone?.();
  }

  /**
   * Counts bytes of a request that come in, or need not be counted any more. If there
   * are too many, those requests end that have been under way for longest: it is
   * their callers who do not finish them.
   */
  countArriving(bytes: number): void {
    this.#arrivingBytes += bytes;
    const { arrivingBytesMax } = this.options;
    if (bytes < 0 || this.#arrivingBytes <= arrivingBytesMax) return;
    const error = new KvError(
      "OVERLOADED",
      `Cannot wait for the rest of the request: requests that have not arrived whole have ` +
        `${this.#arrivingBytes} bytes, the limit is ${arrivingBytesMax}`,
    );
    for (const call of this.#open) {
      // Down to half of it: a caller's next bytes must not mean another search.
      if (this.#arrivingBytes <= arrivingBytesMax / 2) return;
      if (call.arrivingBytes > 0) call.breakOff(error);
    }
  }
}

class UnaryCall extends ServerCallContext implements ServerCall {
  readonly #calls: UnaryCalls;
  readonly #route: UnaryRoute;
  readonly #stream: ServerHttp2Stream;
  #headers: IncomingHttpHeaders;
  /** On the server's list. */
  readonly #number: number;
  readonly #deadline: Timer | undefined;
  /** The request as far as it has come: its first `#bytes` bytes. */
  #request: Buffer = NO_BYTES;
  #bytes = 0;
  /** Bytes counted for it until it has come whole. */
  #arriving = 0;
  #isRunning = false;
  #over = false;

  constructor(
    calls: UnaryCalls,
    route: UnaryRoute,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
  ) {
    super();
    this.#calls = calls;
    this.#route = route;
    this.#stream = stream;
    this.#headers = headers;
    this.#number = calls.open(this);
    stream.on("data", (chunk: Buffer) => this.#receive(chunk));
    stream.once("end", () => this.#run());
    stream.on("error", () => {});
    stream.once("close", () => this.#giveUp());
    this.#deadline = this.#startDeadline();
    // A few bytes that refer to earlier headers may become thousands.
    if (!this.#over) this.#count(bytesOf(headers));
  }

  get peer(): string {
    const socket = this.#stream.session?.socket;
    return `${socket?.remoteAddress}:${socket?.remotePort}`;
  }

  /** Bytes of a request that has not arrived whole, with its headers. */
  get arrivingBytes(): number {
    return this.#arriving;
  }

  metadata(name: string): string | undefined {
    const value = this.#headers[name];
    return typeof value === "string" ? value : undefined;
  }

  breakOff(error: KvError): void {
    if (this.#over) return;
    this.#fail(error);
    this.abort(error);
  }

  #startDeadline(): Timer | undefined {
    const text = this.metadata("grpc-timeout");
    if (text === undefined) return undefined;
    const [, amount, unit = ""] = TIMEOUT.exec(text) ?? [];
    if (amount === undefined) {
      const reason = `its grpc-timeout is ${JSON.stringify(text)}, which must be such as 500m`;
      this.breakOff(this.#error("INVALID_ARGUMENT", reason));
      return undefined;
    }
    const timeoutMs = Number(amount) * (UNIT_MS[unit] ?? 0);
    const { clock } = this.#calls.options;
    return clock.setTimer(() => this.#onDeadline(), Math.min(timeoutMs, TIMER_MS_MAX));
  }

  #onDeadline(): void {
    if (this.#over) return;
    this.#refuse(status.DEADLINE_EXCEEDED, "Deadline exceeded");
    this.abort(callerGone(this.#route.method.path));
  }

  #receive(chunk: Buffer): void {
    if (this.#over) return;
    const bytes = this.#bytes + chunk.length;
    if (bytes > PREFIX_BYTES + MESSAGE_BYTES_MAX) {
      const reason = `its request is larger than ${MESSAGE_BYTES_MAX} bytes`;
      return this.breakOff(this.#error("INVALID_ARGUMENT", reason));
    }
    if (this.#bytes === 0) {
      this.#request = chunk;
    } else {
      // A frame may have a single byte, and an object for each of them would take a hundred.
      this.#request = grown(this.#request, this.#bytes, bytes);
      this.#request.set(chunk, this.#bytes);
    }
    this.#bytes = bytes;
    this.#count(chunk.length);
  }

  #count(bytes: number): void {
    this.#arriving += bytes;
    this.#calls.countArriving(bytes);
  }

  #run(): void {
    if (this.#over) return;
    const request = this.#request.subarray(0, this.#bytes);
    this.#dropRequest();
    this.#isRunning = true;
    const { method, handler } = this.#route;
    const run = async () => {
      const message = decodeRequest(method, this.#unframed(request));
      return encodeResponse(method, await handler(message, this));
    };
    run().then((bytes) => this.#answer(bytes), (error) => this.#fail(error));
  }

  /** @throws {KvError} UNIMPLEMENTED or INVALID_ARGUMENT if this is not one plain message */
  #unframed(request: Buffer): Buffer {
    if (request.length < PREFIX_BYTES) {
      throw this.#error("UNIMPLEMENTED", "its request has no message");
    }
    if (request[0] !== 0) {
      const encoding = this.metadata("grpc-encoding") ?? "something unknown";
      throw this.#error("UNIMPLEMENTED", `its message is compressed by ${encoding}`);
    }
    const end = PREFIX_BYTES + request.readUInt32BE(1);
    if (request.length > end) throw this.#error("UNIMPLEMENTED", "its request has two messages");
    if (request.length < end) throw this.#error("INVALID_ARGUMENT", "its message is cut off");
    return request.subarray(PREFIX_BYTES);
  }

  #answer(message: Buffer): void {
    if (!this.#end()) return;
    const stream = this.#stream;
    if (message.length >= COUNTED_ANSWER_BYTES_MIN) this.#countUntilTaken(message.length);
    const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
    framed[0] = 0;
    framed.writeUInt32BE(message.length, 1);
    framed.set(message, PREFIX_BYTES);
    stream.once("wantTrailers", () => {
      if (isOpen(stream)) stream.sendTrailers(OK_TRAILERS);
    });
    try {
      stream.respond(ANSWER_HEADERS, ANSWER_OPTIONS);
      stream.end(framed);
    } catch (error) {
      this.#abandon(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    logUnforeseen(this.#calls.options.logger, this.#route.method.path, error);
    const { code, details, metadata } = toGrpcStatus(error);
    this.#refuse(code, details, metadata.toHttp2Headers());
  }

  #refuse(code: number, details: string, trailers: OutgoingHttpHeaders = {}): void {
    if (!this.#end()) return;
    const failure = { "grpc-status": String(code), "grpc-message": encodeURI(details) };
    try {
      this.#stream.respond({ ...REFUSAL_HEADERS, ...failure, ...trailers }, { endStream: true });
      // Else the stream would stay for as long as its caller does not end the request.
      if (!this.#isRunning) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    } catch (error) {
      this.#abandon(error);
    }
  }

  /** An answer that cannot be given must cost its caller the call, and nobody the process. */
  #abandon(error: unknown): void {
    logUnforeseen(this.#calls.options.logger, this.#route.method.path, error);
    this.#stream.destroy();
  }

  #countUntilTaken(bytes: number): void {
    const connection = this.#calls.options.unsent.of(this.peer);
    if (connection === undefined) return;
    paceStream(this.#stream);
    // Comes once the answer has left, and if it never will.
    this.#stream.once("close", () => connection.add(-bytes));
    connection.add(bytes);
  }

  /** The stream is no more, answered or not. */
  #giveUp(): void {
    if (this.#over) return;
    this.#end();
    this.abort(callerGone(this.#route.method.path));
  }

  /** @returns Whether the call was under way, and there is somebody to be answered */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#dropRequest();
    // Nobody will ask for them, and the stream may stay for a while.
    if (!this.#isRunning) this.#headers = NO_HEADERS;
    this.#deadline?.cancel();
    this.#calls.close(this.#number);
    return isOpen(this.#stream);
  }

  #dropRequest(): void {
    this.#count(-this.#arriving);
    this.#bytes = 0;
    this.#request = NO_BYTES;
  }

  #error(code: "UNIMPLEMENTED" | "INVALID_ARGUMENT", reason: string): KvError {
    return new KvError(code, `Cannot answer ${this.#route.method.path}: ${reason}`);
  }
}

/** The same first bytes, with room for as many as are needed, and as many again. */
function grown(bytes: Buffer, used: number, needed: number): Buffer {
  if (bytes.length >= needed) return bytes;
  const larger = Buffer.allocUnsafe(Math.max(needed, 2 * bytes.length));
  bytes.copy(larger, 0, 0, used);
  return larger;
}

function bytesOf(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const name in headers) {
    bytes += name.length + (headers[name]?.length ?? 0) + HEADER_BYTES;
  }
  return bytes;
}

function isOpen(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed;
}
