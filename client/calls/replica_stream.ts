/** One stream of batches to one replica, and the watch over whether it still answers. */
import {
  type BatchResponse,
  KvServiceService,
  type Result,
  ResultCode,
} from "../../proto/gen/shardkv.ts";
import type { BatchRequest } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Channel, ClientStream } from "../../rpc/service.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { SequenceMap } from "../../runtime/sequence_map.ts";
import { type Batch, callsOf, encodeBatch } from "./batcher.ts";
import { momentOf } from "./moment.ts";
import type { Session } from "./session.ts";

/** A replica that answers nothing for this long, in milliseconds, is taken for dead. */
const SILENCE_MS_MAX = 2_000;
/** A batch is not waited for longer than this, in milliseconds, whatever else is answered. */
const BATCH_MS_MAX = 10_000;
/** Batches on a stream that may wait for shards to change hands while others leave. */
const HELD_BATCHES_MAX = 64;

interface Sent {
  /** What of it has no answer yet. */
  readonly batch: Batch;
  readonly at: number;
  /** The rest of the answer takes a while; other batches need not wait for that. */
  readonly isHeld: boolean;
}

export interface ReplicaStreamOptions {
  readonly channel: Channel;
  readonly session: Session;
  readonly clock: Clock;
  readonly onAnswer: (stream: ReplicaStream, batch: Batch, response: BatchResponse) => void;
  /** The stream is over; none of its batches will be answered. Told once, never after `cancel`. */
  readonly onBroken: (stream: ReplicaStream, batches: readonly Batch[], error: KvError) => void;
}

/** Batches out, answers in, in any order. */
export class ReplicaStream {
  readonly address: string;
  /** It has answered a batch as a leader does. */
  proven = false;
  /** It broke because the replica took batches and answered none. */
  wentSilent = false;

  readonly #options: ReplicaStreamOptions;
  readonly #stream: ClientStream<BatchRequest, BatchResponse>;
  /** By id, in the order of sending. */
  readonly #sent = new SequenceMap<Sent>();
  #held = 0;
  #nextId = 1;
  #answeredAt = 0;
  #timer: Timer | undefined;
  #over = false;
  #draining = false;

  constructor(options: ReplicaStreamOptions) {
    this.#options = options;
    this.address = options.channel.address;
    this.#stream = options.channel.stream(KvServiceService.stream);
    this.#read();
  }

  /** Batches that await an answer, but for those that are only waiting for a shard to change hands. */
  get inFlight(): number {
    return this.#sent.size - Math.min(this.#held, HELD_BATCHES_MAX);
  }

  /** Nothing is awaited. */
  get isIdle(): boolean {
    return this.#sent.size === 0;
  }

  send(batch: Batch): void {
    const { clock, session } = this.#options;
    const now = momentOf(clock);
    const id = this.#nextId++;
    for (const call of callsOf(batch)) call.lastAddress = this.address;
    this.#sent.set(id, { batch, at: now.steady, isHeld: false });
    this.#timer ??= clock.setTimer(() => this.#watch(), SILENCE_MS_MAX);
    this.#stream.send(encodeBatch(id, batch, session, now));
  }

  /** Sends nothing more; the stream ends with the last answer it waits for. */
  drain(): void {
    this.#draining = true;
    if (this.#sent.size === 0) this.cancel();
  }

  /** Ends the stream at once; its batches are forgotten. */
  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sent.clear();
    this.#held = 0;
    this.#stream.cancel();
  }

  async #read(): Promise<void> {
    let error = new KvError("UNAVAILABLE", `The server at ${this.address} ended the stream`);
    try {
      for await (const response of this.#stream.responses) this.#answer(response);
    } catch (cause) {
      error = KvError.from(cause);
    }
    this.#break(error);
  }

  #answer(response: BatchResponse): void {
    const sent = this.#sent.get(response.id);
    if (sent === undefined) return;
    if (response.more) this.#hold(response, sent);
    else this.#forget(response.id, sent);
    this.#answeredAt = this.#options.clock.now();
    this.#options.onAnswer(this, sent.batch, response);
    if (this.#draining && this.#sent.size === 0) this.cancel();
  }

  #hold({ id, writeResults, getResults }: BatchResponse, { batch, at, isHeld }: Sent): void {
    const rest = {
      writes: batch.writes.filter((_, i) => isSeparate(writeResults[i])),
      reads: batch.reads.filter((_, i) => isSeparate(getResults[i])),
    };
    this.#sent.set(id, { batch: rest, at, isHeld: true });
    if (!isHeld) this.#held++;
  }

  #forget(id: number, { isHeld }: Sent): void {
    this.#sent.delete(id);
    if (isHeld) this.#held--;
  }

  #break(error: KvError): void {
    if (this.#over) return;
    const batches = this.#sent.values().map((sent) => sent.batch);
    this.cancel();
    this.#options.onBroken(this, batches, error);
  }

  /** Runs now and then while batches are out, not once for each. */
  #watch(): void {
    const { clock } = this.#options;
    this.#timer = undefined;
    const [oldest] = this.#sent.values();
    if (oldest === undefined) return;
    const now = clock.now();
    const silentAt = Math.max(oldest.at, this.#answeredAt) + SILENCE_MS_MAX;
    const tooLateAt = oldest.at + BATCH_MS_MAX;
    const limit = Math.min(silentAt, tooLateAt);
    if (now < limit) {
      this.#timer = clock.setTimer(() => this.#watch(), limit - now);
      return;
    }
    this.wentSilent = true;
    const waited = Math.round(now - oldest.at);
    this.#break(
      new KvError("UNAVAILABLE", `No answer from ${this.address} within ${waited} ms`),
    );
  }
}

function isSeparate(result: Result | undefined): boolean {
  return result?.code === ResultCode.RESULT_SEPARATE;
}
