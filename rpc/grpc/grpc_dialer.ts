/** Calls over gRPC: one long-lived connection per address, which mends itself. */
import { type ChannelOptions, Client, connectivityState } from "@grpc/grpc-js";
import { type Clock, sleep, systemClock } from "../../runtime/clock.ts";
import { assertTimeout, cancelledBefore, channelClosed, failedStream } from "../call_options.ts";
import type { KvError } from "../errors.ts";
import { FLOW_CONTROL_BYTES, MESSAGE_BYTES_MAX } from "../limits.ts";
import { encodeRequest } from "../message_codec.ts";
import type { CallOptions, Channel, ClientStream, Dialer, Method } from "../service.ts";
import { GrpcClientStream, type OpenCall, runUnary } from "./grpc_client_call.ts";
import { OpenCalls } from "./open_calls.ts";
import { insecureCredentials } from "./session_handles.ts";

const CHANNEL_OPTIONS: ChannelOptions = {
  // A peer that was stopped or cut off is noticed within two seconds, so that
  // calls to it fail instead of waiting for their deadlines.
  "grpc.keepalive_time_ms": 1_000,
  "grpc.keepalive_timeout_ms": 1_000,
  "grpc.keepalive_permit_without_calls": 1,
  // A server that restarts is found again at once.
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.min_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.dns_min_time_between_resolutions_ms": 1_000,
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc-node.flow_control_window": FLOW_CONTROL_BYTES,
  // Sizes are checked when a request is encoded.
  "grpc.max_send_message_length": -1,
  // Clerks decide about retries, by the error table; a second opinion would
  // only keep copies of messages.
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_channelz": 0,
  // Members of a cluster are neighbours: a proxy for the web is not meant for them.
  "grpc.enable_http_proxy": 0,
  // Closing a channel closes its connection instead of leaving it to a pool.
  "grpc.use_local_subchannel_pool": 1,
};

export interface GrpcDialerOptions {
  /** Default: the host's clock, which gRPC itself runs on. */
  readonly clock?: Clock;
  /**
   * The process ends once this is closed: nobody minds timers that would be left.
   *
   * @default {false}
   */
  readonly endsWithProcess?: boolean;
}

/** Hands out gRPC channels; equal addresses share one. */
export class GrpcDialer implements Dialer {
  readonly #clock: Clock;
  readonly #settleMsMax: number;
  readonly #channels = new Map<string, GrpcChannel>();
  #closed = false;

  constructor(options: GrpcDialerOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#settleMsMax = options.endsWithProcess ? SOCKET_SETTLE_MS : BACKOFF_SETTLE_MS;
  }

  channel(address: string): Channel {
    let channel = this.#channels.get(address);
    if (channel === undefined) {
      this.#forgetUnused();
      channel = new GrpcChannel(address, this.#clock);
      if (this.#closed) channel.close();
      else this.#channels.set(address, channel);
    }
    return channel;
  }

  forget(address: string): void {
    this.#channels.get(address)?.close();
    this.#channels.delete(address);
  }

  /** Only what is new makes more of them: no timer has to look. */
  #forgetUnused(): void {
    for (const [address, channel] of this.#channels) {
      if (channel.isUnused()) this.forget(address);
    }
  }

  /** Gives up the calls under way and closes every connection. Safe to call again. */
  async close(): Promise<void> {
    this.#closed = true;
    let waitMs = 0;
    for (const [address, channel] of this.#channels) {
      waitMs = Math.max(waitMs, channel.settleMs);
      this.forget(address);
    }
    if (waitMs > 0) await sleep(this.#clock, Math.min(waitMs, this.#settleMsMax));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Milliseconds a closed connection takes to leave the event loop. */
const SOCKET_SETTLE_MS = 10;

/**
 * Milliseconds an attempt to connect may take. gRPC sets no limit itself: a
 * connection that was accepted by somebody who then says nothing, as a host that
 * is gone by now, would be waited for until the operating system gives it up.
 */
const CONNECT_MS_MAX = 5_000;

/**
 * Milliseconds without a call after which a channel goes when another address is
 * new. Servers are replaced, and those that are gone would be kept, and called for
 * half an hour each, for as long as this process lives.
 */
const UNUSED_MS_MAX = 60_000;

/**
 * Milliseconds until gRPC's timer for the next attempt to connect is gone; it
 * cannot be taken back. The longest backoff and its jitter of 20 %.
 */
const BACKOFF_SETTLE_MS = 650;

class GrpcChannel implements Channel {
  readonly address: string;
  readonly #clock: Clock;
  /** Made by the first call: an address that is only listed costs nothing. */
  #client: Client | undefined;
  /** Since when calls have found the client connecting; undefined if it was not. */
  #connectingSince: number | undefined;
  readonly #calls = new OpenCalls<OpenCall>();
  /** Since when it has been found without a call; undefined if it was used since. */
  #unusedSince: number | undefined;
  #closed = false;

  constructor(address: string, clock: Clock) {
    this.address = address;
    this.#clock = clock;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions,
  ): Promise<Response> {
    const { timeoutMs, signal } = options;
    assertTimeout(timeoutMs, method.path, this.address);
    const refusal = this.#refusal(method.path, signal);
    if (refusal !== undefined) throw refusal;
    return await runUnary({
      client: this.#connect(),
      address: this.address,
      method,
      bytes: encodeRequest(method, request),
      deadline: this.#clock.wallTime() + timeoutMs,
      signal,
      metadata: options.metadata ?? {},
      calls: this.#calls,
      onUnusable: this.#onUnusable,
    });
  }

  stream<Request, Response>(
    method: Method<Request, Response>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): ClientStream<Request, Response> {
    const refusal = this.#refusal(method.path, options.signal);
    if (refusal !== undefined) return failedStream(refusal);
    return new GrpcClientStream({
      client: this.#connect(),
      address: this.address,
      method,
      signal: options.signal,
      calls: this.#calls,
      onUnusable: this.#onUnusable,
    });
  }

  /** Whether nobody has used it for a while; counts from the first time that it is asked. */
  isUnused(): boolean {
    if (this.#calls.size > 0) return false;
    const now = this.#clock.now();
    this.#unusedSince ??= now;
    return now - this.#unusedSince >= UNUSED_MS_MAX;
  }

  /** Milliseconds that {@linkcode close} leaves something of gRPC's running. */
  get settleMs(): number {
    if (this.#client === undefined) return 0;
    // A client that was used is idle only after its connection broke, perhaps just now.
    const state = this.#client.getChannel().getConnectivityState(false);
    return state === connectivityState.READY ? SOCKET_SETTLE_MS : BACKOFF_SETTLE_MS;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#calls) call.breakOff(channelClosed(this.address));
    this.#closeClient();
  }

  #connect(): Client {
    this.#unusedSince = undefined;
    if (this.#isStuck()) this.#giveUpClient();
    // The scheme is spelled out because `localhost:80` reads like one itself.
    this.#client ??= new Client(
      `dns:///${this.address}`,
      insecureCredentials(this.#clock),
      CHANNEL_OPTIONS,
    );
    return this.#client;
  }

  /**
   * A server that says goodbye in the same packet in which it says hello leaves
   * grpc-js with a dead connection that it takes for a good one for ever: the
   * end is told before anybody there listens.
   */
  readonly #onUnusable = (client: Client) => {
    if (client !== this.#client) return;
    const state = client.getChannel().getConnectivityState(false);
    if (state === connectivityState.READY) this.#giveUpClient();
  };

  /** The next call connects anew. */
  #giveUpClient(): void {
    this.#closeClient();
    this.#client = undefined;
    this.#connectingSince = undefined;
  }

  /**
   * A client hears of the address of its first call a turn later, closed or not:
   * one that is closed before would connect all the same, and never end.
   */
  #closeClient(): void {
    const client = this.#client;
    if (client !== undefined) this.#clock.afterTurn(() => client.close());
  }

  /** Whether the client has been connecting for too long. Looked at with each call: no timer is left behind. */
  #isStuck(): boolean {
    const state = this.#client?.getChannel().getConnectivityState(false);
    const now = this.#clock.now();
    if (state !== connectivityState.CONNECTING) this.#connectingSince = undefined;
    else this.#connectingSince ??= now;
    return this.#connectingSince !== undefined && now - this.#connectingSince >= CONNECT_MS_MAX;
  }

  /** Why a call cannot even begin. */
  #refusal(path: string, signal: AbortSignal | undefined): KvError | undefined {
    if (this.#closed) return channelClosed(this.address);
    if (signal?.aborted) return cancelledBefore(path, this.address);
    return undefined;
  }
}
