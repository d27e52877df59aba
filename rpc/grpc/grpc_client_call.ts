/** The client's end of one gRPC call, unary or streaming. */
import {
  type Client,
  type ClientDuplexStream,
  Metadata,
  type ServiceError,
  status,
  type StatusObject,
} from "@grpc/grpc-js";
import { cancelledByCaller } from "../call_options.ts";
import { KvError } from "../errors.ts";
import { STREAM_QUEUE_MESSAGES_MAX } from "../limits.ts";
import { decodeResponse, encodeRequest } from "../message_codec.ts";
import { MessageQueue } from "../message_queue.ts";
import type { ClientStream, Method } from "../service.ts";
import { couldNotBegin, fromServiceError } from "./grpc_status.ts";
import type { OpenCalls } from "./open_calls.ts";

/** A call that can be broken off from this side. */
export interface OpenCall {
  breakOff(error: KvError): void;
}

interface CallBase<Request, Response> {
  readonly client: Client;
  readonly address: string;
  readonly method: Method<Request, Response>;
  readonly signal: AbortSignal | undefined;
  /** Calls under way on the channel. */
  readonly calls: OpenCalls<OpenCall>;
  /** The connection does not take calls. */
  readonly onUnusable: (client: Client) => void;
}

export interface UnaryCall<Request, Response> extends CallBase<Request, Response> {
  readonly bytes: Buffer;
  /** Milliseconds since the Unix epoch. */
  readonly deadline: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Messages are encoded and decoded by us, gRPC only carries them. */
const identity = (bytes: Buffer): Buffer => bytes;

/** @throws {KvError} As the server said, or UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED */
export function runUnary<Request, Response>(call: UnaryCall<Request, Response>): Promise<Response> {
  const { client, address, method, signal, calls, deadline } = call;
  return new Promise((resolve, reject) => {
    let reason: KvError | undefined;
    const breakOff = (error: KvError) => {
      reason ??= error;
      started.cancel();
    };
    const onAbort = () => breakOff(cancelledByCaller(method.path, address));
    const onAnswer = (error: ServiceError | null, bytes?: Buffer) => {
      calls.delete(number);
      signal?.removeEventListener("abort", onAbort);
      if (error !== null) {
        if (couldNotBegin(error)) call.onUnusable(client);
        return reject(reason ?? fromServiceError(error, method.path, address));
      }
      try {
        resolve(decodeResponse(method, bytes ?? Buffer.alloc(0)));
      } catch (cause) {
        reject(cause);
      }
    };
    const number = calls.add({ breakOff });
    signal?.addEventListener("abort", onAbort);
    const metadata = toMetadata(call.metadata);
    const started = client.makeUnaryRequest(
      method.path,
      identity,
      identity,
      call.bytes,
      metadata,
      { deadline },
      onAnswer,
    );
  });
}

/** One bidirectional stream. */
export class GrpcClientStream<Request, Response>
  implements ClientStream<Request, Response>, OpenCall {
  readonly #base: CallBase<Request, Response>;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #responses: MessageQueue<Response>;
  /** On the channel's list. */
  readonly #number: number;
  #reason: KvError | undefined;
  #over = false;

  constructor(base: CallBase<Request, Response>) {
    this.#base = base;
    const call = base.client.makeBidiStreamRequest(base.method.path, identity, identity);
    this.#call = call;
    this.#responses = new MessageQueue({
      onTake: (waiting) => {
        if (waiting < STREAM_QUEUE_MESSAGES_MAX / 2 && call.isPaused()) call.resume();
      },
      onAbandon: () => this.cancel(),
    });
    this.#number = base.calls.add(this);
    base.signal?.addEventListener("abort", this.#onAbort);
    call.on("data", (bytes: Buffer) => this.#receive(bytes));
    // The status event tells the same and comes for every outcome.
    call.on("error", () => {});
    call.on("status", (outcome: StatusObject) => this.#settle(outcome));
  }

  get responses(): AsyncIterable<Response> {
    return this.#responses;
  }

  send(request: Request): void {
    if (this.#over) return;
    const bytes = encodeRequest(this.#base.method, request);
    if (this.#call.writable) this.#call.write(bytes);
  }

  end(): void {
    if (!this.#over) this.#call.end();
  }

  cancel(): void {
    this.breakOff(cancelledByCaller(this.#base.method.path, this.#base.address));
  }

  breakOff(error: KvError): void {
    if (this.#over) return;
    this.#close();
    this.#responses.abort(error);
    this.#call.cancel();
  }

  readonly #onAbort = () => this.cancel();

  #receive(bytes: Buffer): void {
    if (this.#over) return;
    try {
      this.#responses.push(decodeResponse(this.#base.method, bytes));
    } catch (error) {
      return this.breakOff(KvError.from(error));
    }
    if (this.#responses.waiting >= STREAM_QUEUE_MESSAGES_MAX) this.#call.pause();
  }

  #settle(outcome: StatusObject): void {
    if (this.#over) return;
    // A paused stream may hold messages that came before the status; reading
    // them makes gRPC hand them to the listener above.
    while (this.#call.read() !== null);
    const { client, method: { path }, onUnusable } = this.#base;
    if (couldNotBegin(outcome)) onUnusable(client);
    if (outcome.code === status.OK) this.#responses.end();
    else {
      const error = Object.assign(new Error(outcome.details), outcome);
      this.#responses.fail(fromServiceError(error, path, this.#base.address));
    }
    this.#close();
  }

  #close(): void {
    this.#over = true;
    this.#base.calls.delete(this.#number);
    this.#base.signal?.removeEventListener("abort", this.#onAbort);
  }
}

function toMetadata(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}
