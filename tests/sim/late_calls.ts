/**
 * Lets calls between groups reach their server once more, later, as those do
 * that a caller has given up and made anew. Whatever they ask for was asked for
 * before; the group may have gone on to another configuration since.
 */
import { ShardTransferServiceService } from "../../proto/gen/shardkv.ts";
import type { CallOptions, Channel, Method } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Draw } from "./draw.ts";
import type { LateCallOptions } from "./options.ts";
import type { Statistics } from "./statistics.ts";

const paths: ReadonlySet<string> = new Set(
  Object.values(ShardTransferServiceService).map(({ path }) => path),
);

export interface LateCallsOptions {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly statistics: Statistics;
  /** What may happen to calls now; undefined once all is well. */
  readonly faults: () => LateCallOptions | undefined;
}

export class LateCalls {
  readonly #options: LateCallsOptions;

  constructor(options: LateCallsOptions) {
    this.#options = options;
  }

  /** The same channel, but for the calls of one group to another. */
  wrap(channel: Channel): Channel {
    return {
      address: channel.address,
      unary: <Request, Response>(
        method: Method<Request, Response>,
        request: Request,
        options: CallOptions,
      ): Promise<Response> => {
        if (paths.has(method.path)) this.#repeat(channel, method, request, options);
        return channel.unary(method, request, options);
      },
      stream: (method, options) => channel.stream(method, options),
    };
  }

  #repeat<Request, Response>(
    channel: Channel,
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs }: CallOptions,
  ): void {
    const { clock, draw, statistics, faults } = this.#options;
    const { callRepeatChance = 0, callLateMaxMs = 0 } = faults() ?? {};
    if (!draw.chance(callRepeatChance)) return;
    clock.setTimer(() => {
      if (faults() === undefined) return;
      statistics.fault("call repeated");
      // Nobody waits for the answer, and the caller may be gone.
      channel.unary(method, request, { timeoutMs }).catch(() => {});
    }, draw.fraction() * callLateMaxMs);
  }
}
