/** One call of the memory carrier: its two ends and what passes between them. */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { cancelledByCaller } from "../call_options.ts";
import { KvError } from "../errors.ts";
import { MEMORY_QUEUE_MESSAGES_MAX } from "../limits.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "../message_codec.ts";
import { MessageQueue } from "../message_queue.ts";
import type { ClientStream, Method, Route, ServerStream } from "../service.ts";
import { fromWireError, toWireError } from "../wire_error.ts";
import { MemoryLink } from "./memory_link.ts";

/** What a call needs to know of the server it reaches. */
export interface MemoryTarget {
  route(path: string): Route | undefined;
  readonly logger: Logger;
  /** Calls under way, which break when the server closes. */
  readonly calls: Set<Breakable>;
}

/** Something that can be broken off from outside. */
export interface Breakable {
  breakOff(error: KvError): void;
}

export interface MemoryCallOptions<Request, Response> {
  readonly method: Method<Request, Response>;
  readonly from: string;
  readonly to: string;
  readonly clock: Clock;
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
  /** Undefined: the call may last for ever. */
  readonly timeoutMs: number | undefined;
  /** How long after the first lost message both ends see the connection as broken. */
  readonly keepaliveMs: number;
  readonly delayMs: (from: string, to: string) => number;
  /** Who listens at `to` when the call arrives there. */
  readonly find: () => MemoryTarget | undefined;
  /** The caller's calls under way, which are given up when its dialer closes. */
  readonly calls: Set<Breakable>;
}

export class MemoryCall<Request, Response> implements ClientStream<Request, Response> {
  readonly #options: MemoryCallOptions<Request, Response>;
  readonly #server: ServerEnd<Request, Response>;
  readonly #up: MemoryLink;
  readonly #down: MemoryLink;
  readonly #responses = new MessageQueue<Response>({ onAbandon: () => this.cancel() });
  #deadline: Timer | undefined;
  #keepalive: Timer | undefined;
  #over = false;

  constructor(options: MemoryCallOptions<Request, Response>) {
    this.#options = options;
    const { from, to, clock, delayMs, signal, timeoutMs } = options;
    const onLost = () => this.#startKeepalive();
    this.#up = new MemoryLink({ clock, delayMs: () => delayMs(from, to), onLost });
    this.#down = new MemoryLink({ clock, delayMs: () => delayMs(to, from), onLost });
    this.#server = new ServerEnd(options, this.#down, {
      onResponse: (bytes) => this.#receive(bytes),
      onEnd: (error) => this.#settle(error),
    });
    options.calls.add(this);
    if (timeoutMs !== undefined) {
      this.#deadline = clock.setTimer(() => this.#expire(timeoutMs), timeoutMs);
    }
    signal?.addEventListener("abort", this.#onAbort);
    this.#up.carry(() => this.#server.arrive());
  }

  get responses(): AsyncIterable<Response> {
    return this.#responses;
  }

  send(request: Request): void {
    if (!this.#over) this.sendBytes(encodeRequest(this.#options.method, request));
  }

  /** Sends a request that is encoded already. */
  sendBytes(bytes: Buffer): void {
    this.#up.carry(() => this.#server.receive(bytes));
  }

  end(): void {
    if (!this.#over) this.#up.carry(() => this.#server.halfClose());
  }

  cancel(): void {
    const { method, to } = this.#options;
    this.breakOff(cancelledByCaller(method.path, to));
  }

  breakOff(error: KvError): void {
    if (this.#over) return;
    this.#up.carry(() => this.#server.abort(error));
    this.#responses.abort(error);
    this.#settle(error);
  }

  readonly #onAbort = () => this.cancel();

  #what(): string {
    return `${this.#options.method.path} at ${this.#options.to}`;
  }

  /** The server keeps the same deadline, so it need not be told. */
  #expire(timeoutMs: number): void {
    const error = new KvError(
      "DEADLINE_EXCEEDED",
      `Cannot finish ${this.#what()}: no answer within ${timeoutMs} ms`,
    );
    this.#server.abort(error);
    this.#responses.abort(error);
    this.#settle(error);
  }

  /** Both ends find out by themselves, each by its own keepalive. */
  #startKeepalive(): void {
    const reason = `Cannot finish ${this.#what()}: the connection was lost`;
    this.#keepalive ??= this.#options.clock.setTimer(() => {
      const error = new KvError("UNAVAILABLE", reason);
      this.#server.abort(error);
      this.#settle(error);
    }, this.#options.keepaliveMs);
  }

  #receive(bytes: Buffer): void {
    if (this.#over) return;
    if (this.#responses.waiting >= MEMORY_QUEUE_MESSAGES_MAX) {
      return this.breakOff(queueFull("responses", this.#what()));
    }
    try {
      this.#responses.push(decodeResponse(this.#options.method, bytes));
    } catch (error) {
      this.breakOff(KvError.from(error));
    }
  }

  #settle(error: KvError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (error === undefined) this.#responses.end();
    else this.#responses.fail(error);
    this.#options.calls.delete(this);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#deadline?.cancel();
    // A server that still runs has yet to find out what the caller knows.
    if (this.#server.over) this.#keepalive?.cancel();
    this.#down.close();
  }
}

interface ClientEvents {
  onResponse(bytes: Buffer): void;
  onEnd(error: KvError | undefined): void;
}

/** The server's half of a call, from its arrival to the handler's end. */
class ServerEnd<Request, Response> implements ServerStream<Request, Response>, Breakable {
  readonly #options: MemoryCallOptions<Request, Response>;
  readonly #down: MemoryLink;
  readonly #client: ClientEvents;
  readonly #requests = new MessageQueue<Request>();
  readonly #controller = new AbortController();
  #target: MemoryTarget | undefined;
  #over = false;

  constructor(
    options: MemoryCallOptions<Request, Response>,
    down: MemoryLink,
    client: ClientEvents,
  ) {
    this.#options = options;
    this.#down = down;
    this.#client = client;
  }

  get requests(): AsyncIterable<Request> {
    return this.#requests;
  }

  /** Nothing more will come from this end. */
  get over(): boolean {
    return this.#over;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get peer(): string {
    return this.#options.from;
  }

  metadata(name: string): string | undefined {
    return this.#options.metadata[name];
  }

  send(response: Response): void {
    if (this.#over) return;
    const bytes = encodeResponse(this.#options.method, response);
    this.#down.carry(() => this.#client.onResponse(bytes));
  }

  arrive(): void {
    if (this.#over) return;
    const { to, method } = this.#options;
    this.#target = this.#options.find();
    if (this.#target === undefined) {
      const reason = `Cannot reach ${to} for ${method.path}: nothing listens there`;
      return this.#finish(new KvError("UNAVAILABLE", reason));
    }
    const route = this.#target.route(method.path);
    if (route === undefined) {
      const reason = `Cannot answer ${method.path}: ${to} does not offer it`;
      return this.#finish(new KvError("UNIMPLEMENTED", reason));
    }
    this.#target.calls.add(this);
    this.#run(route).then(() => this.#finish(undefined), (error) => this.#finish(error));
  }

  receive(bytes: Buffer): void {
    if (this.#over) return;
    const { method } = this.#options;
    if (this.#requests.waiting >= MEMORY_QUEUE_MESSAGES_MAX) {
      return this.breakOff(queueFull("requests", method.path));
    }
    try {
      this.#requests.push(decodeRequest(method, bytes));
    } catch (error) {
      this.breakOff(KvError.from(error));
    }
  }

  halfClose(): void {
    this.#requests.end();
  }

  /** The caller is gone: nothing it would be told travels any more. */
  abort(error: KvError): void {
    if (this.#over) return;
    this.#close();
    this.#requests.abort(error);
    this.#controller.abort(error);
  }

  /** Ends the call from this side: the caller learns of it as far as the network lets it. */
  breakOff(error: KvError): void {
    if (this.#over) return;
    this.#down.carry(() => this.#client.onEnd(error));
    this.abort(error);
  }

  async #run(route: Route): Promise<void> {
    if (route.kind === "stream") return await route.handler(this);
    const first = await this.#requests[Symbol.asyncIterator]().next();
    if (first.done) throw new KvError("INVALID_ARGUMENT", "Cannot answer: the request is missing");
    this.send(await route.handler(first.value, this));
  }

  #finish(error: unknown): void {
    if (this.#over) return;
    if (error !== undefined && !(error instanceof KvError)) {
      const { path } = this.#options.method;
      this.#target?.logger.error("Handler failed in an unforeseen way", { path, error });
    }
    const wire = error === undefined ? undefined : toWireError(error);
    this.#down.carry(() => this.#client.onEnd(wire && fromWireError(wire)));
    this.#close();
  }

  #close(): void {
    this.#over = true;
    this.#target?.calls.delete(this);
  }
}

function queueFull(what: string, where: string): KvError {
  return new KvError(
    "OVERLOADED",
    `Cannot take more ${what} of ${where}: ${MEMORY_QUEUE_MESSAGES_MAX} wait to be read`,
  );
}
