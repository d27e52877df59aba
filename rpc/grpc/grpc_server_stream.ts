/** The server's end of a gRPC stream: runs a route's handler and sends whatever it answers. */
import type { ServerDuplexStream, UntypedHandleCall } from "@grpc/grpc-js";
import { constants, type ServerHttp2Stream } from "node:http2";
import { setImmediate } from "node:timers";
import type { Logger } from "../../runtime/logger.ts";
import { KvError } from "../errors.ts";
import { STREAM_QUEUE_MESSAGES_MAX, UNSENT_STREAM_BYTES_MAX } from "../limits.ts";
import { decodeRequest, encodeResponse } from "../message_codec.ts";
import { MessageQueue } from "../message_queue.ts";
import type { Method, Route, ServerStream } from "../service.ts";
import { toGrpcStatus } from "./grpc_status.ts";
import { OpenCalls } from "./open_calls.ts";
import { callerGone, logUnforeseen, type ServerCall, ServerCallContext } from "./server_call.ts";
import type { UnsentAnswers, UnsentOfConnection } from "./unsent_answers.ts";
import { paceStream } from "./write_pacing.ts";

type RawStream = ServerDuplexStream<Buffer, Buffer>;

/** Streams a server has under way. */
export class ServerStreams {
  readonly logger: Logger;
  readonly unsent: UnsentAnswers;
  readonly open = new OpenCalls<ServerCall>();

  constructor(logger: Logger, unsent: UnsentAnswers) {
    this.logger = logger;
    this.unsent = unsent;
  }

  /** Ends all of them with an error. */
  breakOff(error: KvError): void {
    for (const stream of this.open) stream.breakOff(error);
  }
}

/**
 * The gRPC handler for a route. It never throws and never leaves a rejection
 * behind: either would take the process down.
 */
export function toGrpcHandler(
  route: Route & { readonly kind: "stream" },
  streams: ServerStreams,
): UntypedHandleCall {
  return (call: RawStream) => {
    const stream = new GrpcServerStream(route.method, call, streams);
    const run = async () => await route.handler(stream);
    run().then(() => stream.finish(undefined), (error) => stream.finish(error));
  };
}

/**
 * gRPC says that a call is over when its status is told twice, as to a caller
 * that goes on to send nonsense, and leaves what has not left with the stream.
 */
function dropUnsent(call: RawStream): void {
  const stream = http2StreamOf(call);
  if (stream !== undefined && !stream.closed && stream.writableLength > 0) {
    stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** Has it told when what is written to a call has left. */
function pace(call: RawStream): void {
  const stream = http2StreamOf(call);
  if (stream !== undefined && !stream.destroyed) paceStream(stream);
}

/** gRPC shows it to nobody; should it be elsewhere one day, answers are not counted and tests fail. */
function http2StreamOf(call: RawStream): ServerHttp2Stream | undefined {
  return (call as unknown as { call?: { stream?: ServerHttp2Stream } }).call?.stream;
}

class GrpcServerStream<Request, Response> extends ServerCallContext
  implements ServerStream<Request, Response>, ServerCall {
  readonly #method: Method<Request, Response>;
  readonly #raw: RawStream;
  readonly #streams: ServerStreams;
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

  constructor(method: Method<Request, Response>, raw: RawStream, streams: ServerStreams) {
    super();
    this.#method = method;
    this.#raw = raw;
    this.#streams = streams;
    this.#requests = new MessageQueue({
      onTake: (waiting) => {
        if (waiting < STREAM_QUEUE_MESSAGES_MAX / 2 && raw.isPaused()) raw.resume();
      },
    });
    this.#number = streams.open.add(this);
    this.#connection = streams.unsent.of(raw.getPeer());
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

  get peer(): string {
    return this.#raw.getPeer();
  }

  metadata(name: string): string | undefined {
    const value = this.#raw.metadata.get(name)[0];
    return typeof value === "string" ? value : undefined;
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
      logUnforeseen(this.#streams.logger, this.#method.path, error);
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
    // Its handler may wait for a caller who takes nothing, and is told only once it goes on.
    this.#makeRoom();
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
    this.#streams.open.delete(this.#number);
  }
}
