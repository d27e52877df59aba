/** The server's end of one gRPC call: runs a route's handler and answers whatever it does. */
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerUnaryCall,
  UntypedHandleCall,
} from "@grpc/grpc-js";
import { constants, type ServerHttp2Stream } from "node:http2";
import { setImmediate } from "node:timers";
import type { Logger } from "../runtime/logger.ts";
import { KvError } from "./errors.ts";
import { toGrpcStatus } from "./grpc_status.ts";
import {
  COUNTED_ANSWER_BYTES_MIN,
  STREAM_QUEUE_MESSAGES_MAX,
  UNSENT_STREAM_BYTES_MAX,
} from "./limits.ts";
import { decodeRequest, encodeResponse } from "./message_codec.ts";
import { MessageQueue } from "./message_queue.ts";
import { OpenCalls } from "./open_calls.ts";
import type { CallContext, Method, Route, ServerStream } from "./service.ts";
import type { UnsentAnswers, UnsentOfConnection } from "./unsent_answers.ts";
import { paceStream } from "./write_pacing.ts";

type RawUnary = ServerUnaryCall<Buffer, Buffer>;
type RawStream = ServerDuplexStream<Buffer, Buffer>;

/** A call that its server can end. */
export interface ServerCall {
  breakOff(error: KvError): void;
}

/** Calls a server has under way. */
export class ServerCalls {
  readonly logger: Logger;
  readonly unsent: UnsentAnswers;
  readonly unary = new OpenCalls<ServerCall>();
  readonly streams = new OpenCalls<ServerCall>();
  #onUnaryDone: (() => void) | undefined;

  constructor(logger: Logger, unsent: UnsentAnswers) {
    this.logger = logger;
    this.unsent = unsent;
  }

  /** Resolves once no unary call is under way. */
  unaryDone(): Promise<void> {
    if (this.unary.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onUnaryDone = resolve);
  }

  /** Takes a unary call off the list. */
  endUnary(number: number): void {
    this.unary.delete(number);
    if (this.unary.size === 0) this.#onUnaryDone?.();
  }
}

/**
 * The gRPC handler for a route. It never throws and never leaves a rejection
 * behind: either would take the process down.
 */
export function toGrpcHandler(route: Route, calls: ServerCalls): UntypedHandleCall {
  if (route.kind === "unary") {
    return (call: RawUnary, answer: sendUnaryData<Buffer>) =>
      answerUnary(route, calls, call, answer);
  }
  return (call: RawStream) => answerStream(route, calls, call);
}

function answerUnary(
  route: Route & { kind: "unary" },
  calls: ServerCalls,
  call: RawUnary,
  answer: sendUnaryData<Buffer>,
): void {
  const { method, handler } = route;
  const context = new GrpcContext(call);
  let over = false;
  const finish = (error: unknown, bytes?: Buffer) => {
    if (over) return;
    over = true;
    calls.endUnary(number);
    if (bytes !== undefined) {
      if (bytes.length >= COUNTED_ANSWER_BYTES_MIN) {
        countUntilOver(bytes.length, call, calls.unsent);
      }
      return answer(null, bytes);
    }
    logUnforeseen(calls.logger, method.path, error);
    answer(toGrpcStatus(error));
  };
  const number = calls.unary.add({
    breakOff(error) {
      if (over) return;
      finish(error);
      context.abort(error);
    },
  });
  call.on("cancelled", () => {
    // gRPC says so after every call, answered or not.
    if (over) return;
    over = true;
    calls.endUnary(number);
    context.abort(callerGone(method.path));
  });
  const run = async () => {
    const request = decodeRequest(method, call.request);
    return encodeResponse(method, await handler(request, context));
  };
  run().then((bytes) => finish(undefined, bytes), (error) => finish(error));
}

function countUntilOver(bytes: number, call: RawUnary, unsent: UnsentAnswers): void {
  const connection = unsent.of(call.getPeer());
  if (connection === undefined) return;
  pace(call);
  // Comes once the answer has left, and if it never will.
  call.once("cancelled", () => {
    dropUnsent(call);
    connection.add(-bytes);
  });
  connection.add(bytes);
}

/**
 * gRPC says that a call is over when its status is told twice, as to a caller
 * that goes on to send nonsense, and leaves what has not left with the stream.
 */
function dropUnsent(call: RawUnary | RawStream): void {
  const stream = http2StreamOf(call);
  if (stream !== undefined && !stream.closed && stream.writableLength > 0) {
    stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** Has it told when what is written to a call has left. */
function pace(call: RawUnary | RawStream): void {
  const stream = http2StreamOf(call);
  if (stream !== undefined && !stream.destroyed) paceStream(stream);
}

/** gRPC shows it to nobody; should it be elsewhere one day, answers are not counted and tests fail. */
function http2StreamOf(call: RawUnary | RawStream): ServerHttp2Stream | undefined {
  return (call as unknown as { call?: { stream?: ServerHttp2Stream } }).call?.stream;
}

function answerStream(
  route: Route & { kind: "stream" },
  calls: ServerCalls,
  call: RawStream,
): void {
  const stream = new GrpcServerStream(route.method, call, calls);
  const run = async () => await route.handler(stream);
  run().then(() => stream.finish(undefined), (error) => stream.finish(error));
}

/** What a handler knows about its call; the signal is made when it is asked for. */
class GrpcContext implements CallContext {
  readonly #call: RawUnary | RawStream;
  #controller: AbortController | undefined;
  #reason: KvError | undefined;

  constructor(call: RawUnary | RawStream) {
    this.#call = call;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  metadata(name: string): string | undefined {
    const value = this.#call.metadata.get(name)[0];
    return typeof value === "string" ? value : undefined;
  }

  abort(reason: KvError): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }
}

class GrpcServerStream<Request, Response> extends GrpcContext
  implements ServerStream<Request, Response>, ServerCall {
  readonly #method: Method<Request, Response>;
  readonly #raw: RawStream;
  readonly #calls: ServerCalls;
  readonly #requests: MessageQueue<Request>;
  /** On the server's list. */
  readonly #number: number;
  #over = false;
  /** Bytes of responses that have not left. */
  #unsent = 0;
  /** Where they are counted too; undefined once the call is over for gRPC. */
  #connection: UnsentOfConnection | undefined;
  /** There while too many have not. */
  #room: PromiseWithResolvers<void> | undefined;

  constructor(method: Method<Request, Response>, raw: RawStream, calls: ServerCalls) {
    super(raw);
    this.#method = method;
    this.#raw = raw;
    this.#calls = calls;
    this.#requests = new MessageQueue({
      onTake: (waiting) => {
        if (waiting < STREAM_QUEUE_MESSAGES_MAX / 2 && raw.isPaused()) raw.resume();
      },
    });
    this.#number = calls.streams.add(this);
    this.#connection = calls.unsent.of(raw.getPeer());
    pace(raw);
    raw.on("data", (bytes: Buffer) => this.#receive(bytes));
    // A cancelled call ends first and is cancelled a moment later; waiting a
    // turn keeps a handler from taking it for a proper half-close.
    raw.on("end", () => setImmediate(() => this.#requests.end()));
    raw.on("error", () => {});
    raw.on("cancelled", () => {
      dropUnsent(raw);
      this.#connection?.add(-this.#unsent);
      this.#connection = undefined;
      this.#makeRoom();
      this.#abort(callerGone(method.path));
    });
  }

  /** Who reads no answers is asked for no more requests. */
  get requests(): AsyncIterable<Request> {
    return {
      [Symbol.asyncIterator]: () => {
        const all = this.#requests[Symbol.asyncIterator]();
        const next = () => all.next();
        return { ...all, next: () => this.#room?.promise.then(next) ?? next() };
      },
    };
  }

  send(response: Response): void {
    if (this.#over) return;
    const bytes = encodeResponse(this.#method, response);
    if (!this.#raw.writable) return;
    const { length } = bytes;
    this.#unsent += length;
    if (this.#unsent > UNSENT_STREAM_BYTES_MAX) this.#room ??= Promise.withResolvers();
    this.#raw.write(bytes, () => this.#onSent(length));
    this.#connection?.add(length);
  }

  #onSent(bytes: number): void {
    this.#unsent -= bytes;
    this.#connection?.add(-bytes);
    if (this.#unsent <= UNSENT_STREAM_BYTES_MAX) this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Ends the stream for the caller, well or with an error. */
  finish(error: unknown): void {
    if (this.#over) return;
    this.#close();
    if (error === undefined) {
      this.#raw.end();
    } else {
      logUnforeseen(this.#calls.logger, this.#method.path, error);
      this.#raw.emit("error", toGrpcStatus(error));
    }
    // Requests nobody will read any more must not hold the connection back.
    this.#raw.resume();
  }

  breakOff(error: KvError): void {
    if (this.#over) return;
    this.finish(error);
    this.#requests.abort(error);
    this.abort(error);
  }

  #receive(bytes: Buffer): void {
    if (this.#over) return;
    try {
      this.#requests.push(decodeRequest(this.#method, bytes));
    } catch (error) {
      return this.breakOff(KvError.from(error));
    }
    if (this.#requests.waiting >= STREAM_QUEUE_MESSAGES_MAX) this.#raw.pause();
  }

  #abort(error: KvError): void {
    if (this.#over) return;
    this.#close();
    this.#requests.abort(error);
    this.abort(error);
  }

  #close(): void {
    this.#over = true;
    this.#calls.streams.delete(this.#number);
  }
}

function callerGone(path: string): KvError {
  return new KvError("CANCELLED", `Cannot finish ${path}: the caller is gone or out of time`);
}

function logUnforeseen(logger: Logger, path: string, error: unknown): void {
  if (!(error instanceof KvError)) {
    logger.error("Handler failed in an unforeseen way", { path, error });
  }
}
