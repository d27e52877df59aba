/**
 * A network inside one process: what gRPC does, without sockets, for tests and
 * the simulator. It lives on promises and the injected clock alone, encodes
 * and decodes every message, and can be cut, delayed and healed.
 */
import type { Clock } from "../../runtime/clock.ts";
import { type Logger, silentLogger } from "../../runtime/logger.ts";
import { assertTimeout, cancelledBefore, channelClosed, failedStream } from "../call_options.ts";
import { KvError } from "../errors.ts";
import { encodeRequest } from "../message_codec.ts";
import type { CallOptions, Channel, ClientStream, Dialer, Method } from "../service.ts";
import type { Route, ServiceRoutes } from "../service.ts";
import { type Breakable, MemoryCall, type MemoryTarget } from "./memory_call.ts";

/** As gRPC's keepalive here: a ping each second, one second to answer. */
const KEEPALIVE_MS_DEFAULT = 2_000;

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /**
   * Milliseconds the next message from one address to another takes; 0: the
   * next microtask; Infinity: it is lost and its connection breaks. Default 0.
   */
  readonly delayMs?: (from: string, to: string) => number;
  /** Milliseconds from the first lost message of a call until both ends give up. Default 2,000. */
  readonly keepaliveMs?: number;
  readonly logger?: Logger;
}

/** A server of a {@linkcode MemoryNetwork}. */
export interface MemoryServer {
  readonly address: string;
  /** Stops at once, as a crash does: calls under way break on both sides. Safe to call again. */
  close(): void;
}

export class MemoryNetwork {
  readonly #options: MemoryNetworkOptions;
  readonly #servers = new Map<string, MemoryTarget>();
  readonly #cuts = new Set<string>();

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  /**
   * Starts to answer at `address`.
   *
   * @throws {Error} When something listens there already
   */
  serve(address: string, routes: ServiceRoutes): MemoryServer {
    if (this.#servers.has(address)) {
      throw new Error(`Cannot listen on ${address}: another server of this network does`);
    }
    const byPath = new Map<string, Route>(routes.map((route) => [route.method.path, route]));
    const target: MemoryTarget = {
      route: (path) => byPath.get(path),
      logger: this.#options.logger ?? silentLogger,
      calls: new Set(),
    };
    this.#servers.set(address, target);
    const close = () => {
      if (this.#servers.get(address) === target) this.#servers.delete(address);
      const error = new KvError("UNAVAILABLE", `Cannot finish: ${address} stopped`);
      for (const call of [...target.calls]) call.breakOff(error);
    };
    return { address, close };
  }

  /**
   * A dialer whose calls come from `from`, which is what {@linkcode cut} knows
   * them by. Default: `client`.
   */
  dialer(from = "client"): Dialer {
    return new MemoryDialer((to) => ({
      ...this.#wire(),
      from,
      to,
      find: () => this.#servers.get(to),
    }));
  }

  /** Loses every message from one address to the other; the way back is another cut. */
  cut(from: string, to: string): void {
    this.#cuts.add(cutKey(from, to));
  }

  /** Takes one cut back, or all of them. */
  heal(from?: string, to?: string): void {
    if (from === undefined || to === undefined) this.#cuts.clear();
    else this.#cuts.delete(cutKey(from, to));
  }

  #wire() {
    const { clock, keepaliveMs = KEEPALIVE_MS_DEFAULT } = this.#options;
    return { clock, keepaliveMs, delayMs: (from: string, to: string) => this.#delayMs(from, to) };
  }

  #delayMs(from: string, to: string): number {
    if (this.#cuts.size > 0 && this.#cuts.has(cutKey(from, to))) return Infinity;
    return this.#options.delayMs?.(from, to) ?? 0;
  }
}

function cutKey(from: string, to: string): string {
  return `${from} -> ${to}`;
}

/** Everything about a call that its address decides. */
type Wire = {
  readonly clock: Clock;
  readonly keepaliveMs: number;
  readonly delayMs: (from: string, to: string) => number;
  readonly from: string;
  readonly to: string;
  readonly find: () => MemoryTarget | undefined;
};

class MemoryDialer implements Dialer {
  readonly #wire: (address: string) => Wire;
  readonly #channels = new Map<string, MemoryChannel>();
  #closed = false;

  constructor(wire: (address: string) => Wire) {
    this.#wire = wire;
  }

  channel(address: string): Channel {
    let channel = this.#channels.get(address);
    if (channel === undefined) {
      channel = new MemoryChannel(this.#wire(address));
      if (this.#closed) channel.close();
      else this.#channels.set(address, channel);
    }
    return channel;
  }

  forget(address: string): void {
    this.#channels.get(address)?.close();
    this.#channels.delete(address);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const address of [...this.#channels.keys()]) this.forget(address);
    return Promise.resolve();
  }
}

class MemoryChannel implements Channel {
  readonly address: string;
  readonly #wire: Wire;
  readonly #calls = new Set<Breakable>();
  #closed = false;

  constructor(wire: Wire) {
    this.address = wire.to;
    this.#wire = wire;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const { timeoutMs, signal, metadata = {} } = options;
    assertTimeout(timeoutMs, method.path, this.address);
    const refusal = this.#refusal(method.path, signal);
    if (refusal !== undefined) throw refusal;
    const bytes = encodeRequest(method, request);
    const call = this.#start(method, { timeoutMs, signal, metadata });
    call.sendBytes(bytes);
    const first = await call.responses[Symbol.asyncIterator]().next();
    if (!first.done) return first.value;
    throw new KvError("INTERNAL", `Cannot finish ${method.path} at ${this.address}: no response`);
  }

  stream<Request, Response>(
    method: Method<Request, Response>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): ClientStream<Request, Response> {
    const refusal = this.#refusal(method.path, options.signal);
    if (refusal !== undefined) return failedStream(refusal);
    return this.#start(method, { timeoutMs: undefined, signal: options.signal, metadata: {} });
  }

  close(): void {
    this.#closed = true;
    for (const call of [...this.#calls]) call.breakOff(channelClosed(this.address));
  }

  /** Why a call cannot even begin. */
  #refusal(path: string, signal: AbortSignal | undefined): KvError | undefined {
    if (this.#closed) return channelClosed(this.address);
    if (signal?.aborted) return cancelledBefore(path, this.address);
    return undefined;
  }

  #start<Request, Response>(
    method: Method<Request, Response>,
    call: {
      readonly timeoutMs: number | undefined;
      readonly signal: AbortSignal | undefined;
      readonly metadata: Readonly<Record<string, string>>;
    },
  ): MemoryCall<Request, Response> {
    return new MemoryCall({ ...this.#wire, ...call, method, calls: this.#calls });
  }
}
