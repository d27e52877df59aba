/**
 * What a service and a call are, apart from how bytes travel. Servers offer
 * {@linkcode ServiceRoutes}; clients reach them through a {@linkcode Dialer}.
 * gRPC (grpc_server.ts, grpc_dialer.ts) and memory (memory_network.ts) are the
 * two carriers; every message is encoded and decoded on both.
 */

/** One method as the generated code describes it (`XxxService.method`). */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(value: Request): Buffer;
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(value: Response): Buffer;
  responseDeserialize(bytes: Buffer): Response;
}

/** What a handler knows about the call it answers. */
export interface CallContext {
  /** Aborted when the caller is gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** The caller's address, for logs. */
  readonly peer: string;
  /** Text metadata of the request, lower-case names. */
  metadata(name: string): string | undefined;
}

/**
 * The server's end of a stream. Handlers bound what they write by what the
 * caller has granted (a request answered, a credit message). Of callers that read
 * no responses gRPC's carrier takes no more requests, see limits.ts; `send` never
 * waits.
 */
export interface ServerStream<Request, Response> extends CallContext {
  /** Requests in order; ends when the caller half-closes, throws when the call breaks. */
  readonly requests: AsyncIterable<Request>;
  /**
   * Queues a response; does nothing once the call is over.
   *
   * @throws {KvError} INTERNAL When the response is above the message limit (limits.ts)
   */
  send(response: Response): void;
}

export type UnaryHandler<Request, Response> = (
  request: Request,
  context: CallContext,
) => Promise<Response>;

/** Runs until the stream should end; a rejection ends it with that error. */
export type StreamHandler<Request, Response> = (
  stream: ServerStream<Request, Response>,
) => Promise<void>;

// The element types of a route meet only in `unary` and `stream` below, where they agree.
// deno-lint-ignore no-explicit-any
type AnyMethod = Method<any, any>;
// deno-lint-ignore no-explicit-any
type AnyUnaryHandler = UnaryHandler<any, any>;
// deno-lint-ignore no-explicit-any
type AnyStreamHandler = StreamHandler<any, any>;

export type Route =
  | { readonly kind: "unary"; readonly method: AnyMethod; readonly handler: AnyUnaryHandler }
  | { readonly kind: "stream"; readonly method: AnyMethod; readonly handler: AnyStreamHandler };

/** Everything one server answers. */
export type ServiceRoutes = readonly Route[];

/** Binds a handler to a unary method. */
export function unary<Request, Response>(
  method: Method<Request, Response>,
  handler: UnaryHandler<Request, Response>,
): Route {
  return { kind: "unary", method, handler };
}

/** Binds a handler to a bidirectional streaming method. */
export function stream<Request, Response>(
  method: Method<Request, Response>,
  handler: StreamHandler<Request, Response>,
): Route {
  return { kind: "stream", method, handler };
}

export interface CallOptions {
  /** Every call has a deadline: milliseconds from now. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The client's end of a stream. */
export interface ClientStream<Request, Response> {
  /**
   * Queues a request; does nothing once the call is over.
   *
   * @throws {KvError} INVALID_ARGUMENT When the request is above the message limit (limits.ts)
   */
  send(request: Request): void;
  /** Half-closes: the server's `requests` end, responses still come. */
  end(): void;
  /**
   * Responses in order; ends when the server ends, throws a `KvError` when the call
   * breaks. An error may overtake responses that were sent just before it.
   */
  readonly responses: AsyncIterable<Response>;
  /** Gives the stream up; the server sees an aborted signal. Safe to call again. */
  cancel(): void;
}

/** A long-lived way to one address; reconnects by itself. One per peer, never one per call. */
export interface Channel {
  readonly address: string;
  /** @throws {KvError} As the server said, or UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED */
  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response>;
  /** Opens a stream; a failure to connect shows as an error of `responses`. */
  stream<Request, Response>(
    method: Method<Request, Response>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): ClientStream<Request, Response>;
}

/** Hands out channels; equal addresses share one. */
export interface Dialer {
  /**
   * To be asked for again with each call, or each stream: a channel that nobody
   * uses may be closed when another address is new.
   */
  channel(address: string): Channel;
  /** Closes the channel to an address that is no longer wanted. */
  forget(address: string): void;
  /** Closes all channels. */
  close(): Promise<void>;
}
