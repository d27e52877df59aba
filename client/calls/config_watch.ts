/** Follows the configurations as they come to exist. */
import { ControllerServiceService, type WatchResponse } from "../../proto/gen/shardctrler.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Channel, Dialer } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import { sleep } from "../../runtime/clock.ts";
import type { Prng } from "../../runtime/prng.ts";
import { decodeConfig } from "../../shardctrler/configuration/config_codec.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";

/** Milliseconds between two looks while no controller can be watched. */
const WATCH_POLL_MS = 1_000;
/** Milliseconds between two looks whether a controller that is watched still answers. */
const ALIVE_PAUSE_MS = 5_000;
/** Milliseconds it has to answer then. */
const ALIVE_TIMEOUT_MS = 5_000;

export interface ConfigWatchOptions {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Number of controllers: after so many failures in a row it falls back to polling. */
  readonly servers: number;
  readonly first: string;
  /** The controller to watch after one has failed. */
  readonly after: (address: string) => string;
  /** Asks any controller for a configuration; a negative number for the latest. */
  readonly query: (num: number) => Promise<Config>;
  readonly from: number;
  readonly latest: boolean;
  /** Called each time that no controller could be watched or asked. */
  readonly onSilence?: ((error: KvError) => void) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Yields configurations from number `from` on: each in order, or with `latest`
 * always the newest. A controller that fails, or answers nothing for ten seconds, is
 * left for the next; while none can be watched the latest configuration is asked for
 * every second.
 */
export async function* watchConfigs(options: ConfigWatchOptions): AsyncGenerator<Config> {
  const { signal } = options;
  let next = options.from;
  let address = options.first;
  for (let failures = 0; !signal.aborted;) {
    for await (const config of streamConfigs(options, address, next)) {
      failures = 0;
      next = config.num + 1;
      yield config;
    }
    address = options.after(address);
    if (++failures % options.servers !== 0 || signal.aborted) continue;
    await pause(options);
    for await (const config of pollConfigs(options, next)) {
      next = config.num + 1;
      yield config;
    }
  }
}

/** What one controller tells, until it fails or the watch is over. */
async function* streamConfigs(
  options: ConfigWatchOptions,
  address: string,
  from: number,
): AsyncGenerator<Config> {
  const { clock, dialer, latest, signal } = options;
  const channel = dialer.channel(address);
  const stream = channel.stream(ControllerServiceService.watch, { signal });
  const over = new AbortController();
  const guarded = untilDead(channel, clock, over.signal).then(() => stream.cancel());
  const responses = stream.responses[Symbol.asyncIterator]();
  try {
    for (let next = from; !signal.aborted;) {
      stream.send({ next, latest });
      const config = await receive(responses);
      // A stream that goes back in time is as good as broken.
      if (config === undefined || config.num < next) return;
      next = config.num + 1;
      yield config;
    }
  } finally {
    over.abort();
    stream.cancel();
    await guarded;
  }
}

/**
 * Ends once a controller does not answer, or with the signal. A watch without news
 * looks the same whether all is well or the process stands still: its kernel goes on
 * accepting connections, and nothing breaks.
 */
async function untilDead(channel: Channel, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(clock, ALIVE_PAUSE_MS, signal).catch(() => {});
    if (signal.aborted || !await isAlive(channel, signal)) return;
  }
}

/** Any answer will do; configuration 0 is small, and every controller has it at hand. */
async function isAlive(channel: Channel, signal: AbortSignal): Promise<boolean> {
  const options = { timeoutMs: ALIVE_TIMEOUT_MS, signal };
  try {
    await channel.unary(ControllerServiceService.query, { num: 0 }, options);
    return true;
  } catch (error) {
    const { code } = KvError.from(error);
    return code !== "DEADLINE_EXCEEDED" && code !== "UNAVAILABLE";
  }
}

/** The next configuration; undefined if the stream ended or broke, for whatever reason. */
async function receive(responses: AsyncIterator<WatchResponse>): Promise<Config | undefined> {
  try {
    const result = await responses.next();
    const config = result.done ? undefined : result.value.config;
    return config && decodeConfig(config);
  } catch (error) {
    if (error instanceof KvError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What is new since `next`, if a controller can be asked. */
async function* pollConfigs(options: ConfigWatchOptions, next: number): AsyncGenerator<Config> {
  const { latest, onSilence, query, signal } = options;
  const newest = await attempt(query(-1), (error) => {
    // A watch that is over has nothing to tell.
    if (!signal.aborted) onSilence?.(error);
  });
  if (newest === undefined || newest.num < next) return;
  for (let num = latest ? newest.num : next; num <= newest.num && !signal.aborted; num++) {
    const config = num === newest.num ? newest : await attempt(query(num));
    if (config === undefined) return;
    yield config;
  }
}

async function attempt(
  query: Promise<Config>,
  onFailure?: (error: KvError) => void,
): Promise<Config | undefined> {
  try {
    return await query;
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    onFailure?.(error);
    return undefined;
  }
}

/** Half of the time is drawn, so that watchers do not come back all at once. */
async function pause({ clock, prng, signal }: ConfigWatchOptions): Promise<void> {
  const ms = WATCH_POLL_MS / 2 + prng.below(WATCH_POLL_MS);
  await sleep(clock, ms, signal).catch(() => {});
}
