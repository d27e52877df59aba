/**
 * Does to single Raft messages what the transport's contract allows: loses,
 * repeats and delays them, so that later ones overtake. A delayed message may
 * outlive the stream and the process it was sent by.
 */
import { type RaftFrame, RaftTransportService } from "../../proto/gen/raft.ts";
import type { CallOptions, Channel, ClientStream, Method } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Draw } from "./draw.ts";
import type { RaftLinkOptions } from "./options.ts";
import type { Statistics } from "./statistics.ts";

export interface RaftStreamsOptions {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly statistics: Statistics;
  /** What may happen to messages now; undefined once all is well. */
  readonly faults: () => RaftLinkOptions | undefined;
}

export class RaftStreams {
  readonly #options: RaftStreamsOptions;
  /** The stream that carries frames now, by `from -> to`. */
  readonly #live = new Map<string, (frame: RaftFrame) => void>();

  constructor(options: RaftStreamsOptions) {
    this.#options = options;
  }

  /** The same channel, but for its Raft streams. */
  wrap(from: string, channel: Channel): Channel {
    const link = `${from} -> ${channel.address}`;
    return {
      address: channel.address,
      unary: <Request, Response>(
        method: Method<Request, Response>,
        request: Request,
        options: CallOptions,
      ) => channel.unary(method, request, options),
      stream: <Request, Response>(
        method: Method<Request, Response>,
        options?: { readonly signal?: AbortSignal | undefined },
      ): ClientStream<Request, Response> => {
        const stream = channel.stream(method, options);
        if (method.path !== RaftTransportService.stream.path) return stream;
        const send = (frame: RaftFrame) => stream.send(frame as Request);
        this.#live.set(link, send);
        return {
          responses: stream.responses,
          send: (request) => this.#send(link, request as RaftFrame, send),
          end: () => stream.end(),
          cancel: () => stream.cancel(),
        };
      },
    };
  }

  #send(link: string, frame: RaftFrame, send: (frame: RaftFrame) => void): void {
    const faults = this.#options.faults();
    // Introductions carry no message: a stream without one is of no use to anybody.
    if (faults === undefined || frame.messages.length === 0) return send(frame);
    let rest: RaftFrame["messages"] = [];
    for (const message of frame.messages) {
      if (this.#isSpared(faults, link, { ...frame, messages: [message] })) rest.push(message);
      else if (rest.length > 0) {
        send({ ...frame, messages: rest });
        rest = [];
      }
    }
    if (rest.length > 0) send({ ...frame, messages: rest });
  }

  /** Whether the message travels with its frame; if not, it is lost or comes later. */
  #isSpared(faults: RaftLinkOptions, link: string, single: RaftFrame): boolean {
    const { draw, statistics } = this.#options;
    if (draw.chance(faults.dropChance)) {
      statistics.fault("message lost");
      return false;
    }
    if (draw.chance(faults.repeatChance)) {
      statistics.fault("message repeated");
      this.#sendLater(link, single, faults.lateMaxMs);
    }
    if (draw.chance(faults.lateChance)) {
      statistics.fault("message late");
      this.#sendLater(link, single, faults.lateMaxMs);
      return false;
    }
    return true;
  }

  #sendLater(link: string, frame: RaftFrame, lateMaxMs: number): void {
    const { clock, draw } = this.#options;
    clock.setTimer(() => this.#live.get(link)?.(frame), draw.fraction() * lateMaxMs);
  }
}
