/**
 * The stream of frames to one peer. Credit bounds the bytes that the peer has not
 * confirmed to have taken in.
 */
import * as pb from "../../../proto/gen/raft.ts";
import { type ErrorCode, KvError } from "../../../rpc/errors.ts";
import { backoffMs } from "../../../rpc/retry.ts";
import type { ClientStream, Dialer } from "../../../rpc/service.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { Prng } from "../../../runtime/prng.ts";
import type { Message } from "../../message.ts";
import type { NodeId } from "../../types.ts";
import type { NodeIdentity } from "../members/identity.ts";
import { UNKNOWN_INCARNATION } from "../members/roster.ts";
import { encodeMessage } from "./codec.ts";
import { frameCost, FrameQueue } from "./frame_queue.ts";

/**
 * Version of the frames and of what the entries in them say: a node refuses
 * others, since replicas that read an entry differently would drift apart.
 */
export const FRAME_VERSION = 4;
/** Bytes on their way to a peer that it has not taken in yet: HTTP/2 here has no backpressure. */
const CREDIT_BYTES_MAX = 8 << 20;
/** Bytes taken in between two reports: a report per frame would double the messages of a quiet group. */
export const CREDIT_REPORT_BYTES = CREDIT_BYTES_MAX / 8;
/**
 * A frame that comes so long after the last report is reported at once, so that
 * each end finds out whether the other still takes frames in. A connection may
 * answer pings and yet lead nowhere.
 */
export const CREDIT_REPORT_MS = 1_000;
/** How long a report, or the welcome, may take before the stream is given up for a new one. */
const REPORT_MS_MAX = 5_000;
const RECONNECT = { initialMs: 50, maxMs: 500 };
/** A problem that lasts is logged again after this many milliseconds. */
const TELL_AGAIN_MS = 30_000;

type RaftStream = ClientStream<pb.RaftFrame, pb.RaftCredit>;

export interface PeerStreamOptions {
  readonly identity: NodeIdentity;
  readonly incarnation: string;
  /** Where this node is, told to the peer. */
  readonly address: string;
  readonly peer: NodeId;
  /** Where the peer is. */
  readonly peerAddress: string;
  /** The peer has let this node in and says who it is; rejects if it is the wrong one. */
  readonly onWelcome: (incarnation: string) => Promise<void>;
  readonly dialer: Pick<Dialer, "channel">;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** The peer may have missed messages. */
  readonly onLoss: () => void;
  /** The stream broke, and the next attempt found nobody either. */
  readonly onGone: () => void;
}

export class PeerStream {
  readonly #options: PeerStreamOptions;
  readonly #queue = new FrameQueue();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** Present once both ends have introduced themselves. */
  #stream: RaftStream | undefined;
  #peerIncarnation = UNKNOWN_INCARNATION;
  #bytesSent = 0;
  #bytesReceived = 0;
  #reportedAt = 0;
  /** When the first frame left that must have been reported at once; undefined for none. */
  #awaitingSince: number | undefined;
  /** Why the stream was ended from this side. */
  #givenUp: KvError | undefined;
  /** The trouble that was told last; undefined since the peer has been reached. */
  #told: { readonly code: ErrorCode; readonly at: number } | undefined;
  #flushing = false;

  constructor(options: PeerStreamOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  send(message: Message): void {
    if (this.#stop.signal.aborted) return;
    if (this.#queue.push(message) > 0) this.#options.onLoss();
    this.#scheduleFlush();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#stream?.cancel();
    await this.#running;
  }

  /** Messages of one turn of the loop share a frame. */
  #scheduleFlush(): void {
    if (this.#flushing || this.#stream === undefined) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (
      this.#stream !== undefined && !this.#queue.isEmpty &&
      this.#bytesSent - this.#bytesReceived < CREDIT_BYTES_MAX
    ) {
      const messages = this.#queue.takeFrame();
      this.#bytesSent += frameCost(messages);
      this.#sendFrame(this.#stream, messages);
      this.#awaitReport();
    }
    // No credit is left: so much is reported at once, too.
    if (!this.#queue.isEmpty) this.#awaitReport();
  }

  /**
   * What a stream does not take, as a frame above the message limit, is lost to the
   * peer: the stream is given up as for any other loss. Nobody would catch the error.
   */
  #sendFrame(stream: RaftStream, messages: readonly Message[]): void {
    try {
      stream.send(this.#frame(messages, ""));
    } catch (error) {
      this.#stream = undefined;
      this.#giveUp(stream, KvError.from(error));
    }
  }

  /** Gives the stream up if the peer has not reported what it had to. */
  #awaitReport(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const now = this.#options.clock.now();
    // Twice, because clocks and messages run unevenly.
    if (now - this.#reportedAt >= 2 * CREDIT_REPORT_MS) this.#awaitingSince ??= now;
    if (this.#awaitingSince === undefined || now - this.#awaitingSince < REPORT_MS_MAX) return;
    this.#stream = undefined;
    this.#giveUp(stream, late("report what it has taken in"));
  }

  #giveUp(stream: RaftStream, why: KvError): void {
    this.#givenUp = why;
    stream.cancel();
  }

  #frame(messages: readonly Message[], fromAddress: string): pb.RaftFrame {
    const { identity, incarnation, peer } = this.#options;
    return {
      version: FRAME_VERSION,
      clusterId: identity.clusterId,
      gid: identity.gid,
      from: identity.nodeId,
      to: peer,
      messages: messages.map(encodeMessage),
      fromIncarnation: incarnation,
      toIncarnation: this.#peerIncarnation,
      fromAddress,
    };
  }

  async #run(): Promise<void> {
    const { clock, prng, onLoss, onGone } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#converse(() => {
          this.#told = undefined;
          failures = 0;
        });
      } catch (error) {
        const { code, message } = this.#givenUp ?? KvError.from(error);
        if (!signal.aborted && failures > 0 && code === "UNAVAILABLE") onGone();
        if (!signal.aborted) this.#tell(code, message);
      }
      this.#stream = undefined;
      // What waited is stale by now, and the core repeats what matters.
      this.#queue.clear();
      if (signal.aborted) return;
      onLoss();
      await sleep(clock, backoffMs(failures++, prng, RECONNECT), signal).catch(() => {});
    }
  }

  /** One line per kind of trouble, not one per attempt. */
  #tell(code: ErrorCode, error: string): void {
    const { peerAddress: address, clock, logger, peer } = this.#options;
    const now = clock.now();
    if (this.#told?.code === code && now - this.#told.at < TELL_AGAIN_MS) return;
    this.#told = { code, at: now };
    logger.warn("Lost a peer", { peer: peer - 1, address, error });
  }

  async #converse(onAlive: () => void): Promise<void> {
    const { onWelcome, address, peerAddress, dialer, clock } = this.#options;
    const stream = dialer.channel(peerAddress)
      .stream(pb.RaftTransportService.stream, { signal: this.#stop.signal });
    this.#peerIncarnation = UNKNOWN_INCARNATION;
    this.#bytesSent = 0;
    this.#givenUp = undefined;
    const welcome = clock.setTimer(
      () => this.#giveUp(stream, late("welcome this node")),
      REPORT_MS_MAX,
    );
    try {
      stream.send(this.#frame([], address));
      for await (const credit of stream.responses) {
        welcome.cancel();
        if (this.#stream === undefined) {
          await onWelcome(credit.incarnation);
          this.#peerIncarnation = credit.incarnation;
          this.#stream = stream;
        }
        this.#bytesReceived = credit.bytesReceived;
        this.#reportedAt = clock.now();
        this.#awaitingSince = undefined;
        onAlive();
        this.#flush();
      }
    } finally {
      welcome.cancel();
      stream.cancel();
    }
  }
}

function late(what: string): KvError {
  const why = `Cannot go on with the stream: the peer did not ${what} within ${REPORT_MS_MAX} ms`;
  return new KvError("DEADLINE_EXCEEDED", why);
}
