/**
 * The labs' unreliable network for Raft's own traffic: single messages are
 * late, lost, repeated and overtaken, calls lose their request or their answer.
 */
import { KvError } from "../../../rpc/errors.ts";
import type { CallOptions, Channel, Dialer, Method } from "../../../rpc/service.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";
import { Draw } from "../../sim/draw.ts";
import type { RaftLinkOptions } from "../../sim/options.ts";
import { RaftStreams } from "../../sim/raft_streams.ts";
import { Statistics } from "../../sim/statistics.ts";

/** 0 to 26 ms are the network's own; one message in ten is lost, and one in ten comes twice. */
export const UNRELIABLE: RaftLinkOptions = {
  dropChance: 0.1,
  repeatChance: 0.1,
  lateChance: 0.1,
  lateMaxMs: 200,
};

/** Nothing happens to messages but that each takes its time. */
export const SLOW: RaftLinkOptions = {
  dropChance: 0,
  repeatChance: 0,
  lateChance: 0,
  lateMaxMs: 1,
};

/** Two messages in three come up to 2.2 s late, so that most are overtaken. */
export const LONG_REORDERING: RaftLinkOptions = {
  dropChance: 0.1,
  repeatChance: 0.1,
  lateChance: 2 / 3,
  lateMaxMs: 2_200,
};

export class UnreliableLinks {
  readonly #statistics = new Statistics();
  readonly #draw: Draw;
  #raft: RaftStreams | undefined;
  /** What may happen now; undefined: nothing. */
  faults: RaftLinkOptions | undefined;

  constructor(draw: Draw, faults: RaftLinkOptions | undefined) {
    this.#draw = draw;
    this.faults = faults;
  }

  /** How often a fault of a kind was injected: `message lost`, `message late` and so on. */
  count(kind: string): number {
    return this.#statistics.figures(0, 0).faults[kind] ?? 0;
  }

  /** Milliseconds that the network takes for the next message. */
  readonly delayMs = (): number => this.faults === undefined ? 0 : this.#draw.between(0, 26);

  readonly wrap = (clock: Clock, from: string, dialer: Dialer): Dialer => ({
    channel: (address) => this.#wrapChannel(clock, from, dialer.channel(address)),
    forget: (address) => dialer.forget(address),
    close: () => dialer.close(),
  });

  #wrapChannel(clock: Clock, from: string, channel: Channel): Channel {
    this.#raft ??= new RaftStreams({
      clock,
      draw: this.#draw,
      statistics: this.#statistics,
      faults: () => this.faults,
    });
    const wrapped = this.#raft.wrap(from, channel);
    return {
      ...wrapped,
      unary: <Request, Response>(
        method: Method<Request, Response>,
        request: Request,
        options: CallOptions,
      ) => this.#call(clock, options, () => channel.unary(method, request, options)),
    };
  }

  async #call<T>(clock: Clock, options: CallOptions, call: () => Promise<T>): Promise<T> {
    const { dropChance } = this.faults ?? { dropChance: 0 };
    if (this.#draw.chance(dropChance)) return await this.#lose(clock, options, "request lost");
    const answer = await call();
    if (this.#draw.chance(dropChance)) return await this.#lose(clock, options, "answer lost");
    return answer;
  }

  async #lose(clock: Clock, { timeoutMs, signal }: CallOptions, kind: string): Promise<never> {
    this.#statistics.fault(kind);
    await sleep(clock, timeoutMs, signal).catch(() => {});
    throw new KvError("DEADLINE_EXCEEDED", "Cannot finish a call: no answer came in time");
  }
}
