/** A range over all groups, in key order, page by page. */
import { KvServiceService, type ScanResponse, type ShardPair } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { backoffMs } from "../../rpc/retry.ts";
import type { Dialer } from "../../rpc/service.ts";
import { abortable } from "../../runtime/abortable.ts";
import type { Clock } from "../../runtime/clock.ts";
import { sleep, TIMER_MS_MAX } from "../../runtime/clock.ts";
import type { Prng } from "../../runtime/prng.ts";
import {
  type Config,
  type Gid,
  NO_GROUP,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { LeaderCaller } from "./leader_caller.ts";
import type { Router } from "./routing.ts";

/** Most keys in one page; servers may end a page earlier, by its bytes. */
const SCAN_PAGE_KEYS_MAX = 1_000;

/**
 * Time for a page of a group that only its shards' owner has named, in
 * milliseconds: it may be gone, and the shards with their owner.
 */
const DETOUR_TIMEOUT_MS = 5_000;

/** Milliseconds for a question that ran out of time to say what was tried. */
const LAST_WORD_MS = 50;

/** What to go through; `end` is exclusive, and empty means without end. */
export interface ScanRange {
  readonly start: Buffer;
  readonly end: Buffer;
  readonly limit: number;
  readonly keysOnly: boolean;
}

export interface ScanOptions {
  readonly router: Router;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Time for each page to come, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The keys that begin with a prefix: from the prefix to the first key beyond all of them. */
export function prefixEnd(prefix: Buffer): Buffer {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last--;
  if (last < 0) return Buffer.alloc(0);
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = (end[last] ?? 0) + 1;
  return end;
}

/**
 * Gives the pairs of the range in key order. Not a snapshot: each page shows
 * what was there when it was read. A key that exists throughout comes exactly
 * once, even if its shard moves meanwhile.
 *
 * @throws {KvError} DEADLINE_EXCEEDED When nothing came forward for `timeoutMs`; CANCELLED
 */
export async function* scanRange(range: ScanRange, options: ScanOptions): AsyncIterable<ShardPair> {
  let from = range.start;
  let left = range.limit;
  const patience = new Patience(options);
  while (left > 0) {
    const config = await currentConfig(options);
    const merge = new Merge(shardsByGroup(config, options.router), {
      ...range,
      start: from,
      limit: left,
    }, options);
    for (let pair = await merge.next(); pair !== undefined; pair = await merge.next()) {
      from = successor(pair.key);
      left--;
      patience.renew();
      yield pair;
      if (left === 0) return;
    }
    if (!merge.interrupted) return;
    await patience.wait();
  }
}

/** The first key after this one. */
function successor(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.alloc(1)]);
}

/** The configuration at hand; before there is one, asks for it until the time is up. */
async function currentConfig(options: ScanOptions): Promise<Config> {
  const { router, clock, prng, signal, timeoutMs } = options;
  const end = clock.now() + timeoutMs;
  let why = "no controller has answered yet";
  for (let tries = 0; router.config === undefined; tries++) {
    const error = await refresh(options, end);
    if (error?.code === "REFUSED") throw error;
    why = error?.message ?? why;
    if (clock.now() >= end) {
      const text = `Cannot scan within ${timeoutMs} ms: ${why}`;
      throw new KvError("DEADLINE_EXCEEDED", text, { maybe: false });
    }
    if (error === undefined) continue;
    const ms = Math.min(backoffMs(tries, prng), end - clock.now());
    await sleep(clock, ms, signal).catch(() => {});
  }
  return router.config;
}

/**
 * Asks for the latest configuration, until `end` at most: the question is shared with others, who
 * may have more time.
 *
 * @returns Why there is no newer knowledge; undefined also when the time is up
 * @throws {KvError} CANCELLED
 */
async function refresh(
  { router, clock, signal }: ScanOptions,
  end: number,
): Promise<KvError | undefined> {
  const late = new AbortController();
  const leftMs = Math.max(1, Math.ceil(end - clock.now()));
  const timer = clock.setTimer(() => late.abort(), Math.min(leftMs + LAST_WORD_MS, TIMER_MS_MAX));
  const asked = router.refresh(leftMs);
  try {
    return await abortable(asked, AbortSignal.any([signal, late.signal]));
  } catch {
    // It never rejects by itself.
    if (!signal.aborted) return undefined;
    throw new KvError("CANCELLED", "Cannot scan: the caller gave it up");
  } finally {
    timer.cancel();
  }
}

/** Waits for shards that changed hands under the scan, but not for ever. */
class Patience {
  readonly #options: ScanOptions;
  /** When the waiting began; undefined while pairs come. */
  #since: number | undefined;
  #waits = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  /** A pair came. */
  renew(): void {
    this.#since = undefined;
    this.#waits = 0;
  }

  /** Finds out where the shards are now, at once the first time. */
  async wait(): Promise<void> {
    const { clock, prng, signal, timeoutMs } = this.#options;
    this.#since ??= clock.now();
    const end = this.#since + timeoutMs;
    const error = clock.now() < end ? await refresh(this.#options, end) : undefined;
    if (error?.code === "REFUSED") throw error;
    if (clock.now() >= end) {
      throw new KvError(
        "DEADLINE_EXCEEDED",
        `Cannot scan: some shards were served by no group for ${timeoutMs} ms`,
        { maybe: false },
      );
    }
    if (this.#waits > 0) {
      await sleep(clock, backoffMs(this.#waits - 1, prng), signal).catch(() => {});
    }
    this.#waits++;
  }
}

/** Where the pages of one group have got to. */
interface Source {
  readonly gid: Gid;
  readonly caller: LeaderCaller;
  readonly shards: readonly ShardId[];
  pairs: readonly ShardPair[];
  position: number;
  /** Where the next page starts. */
  cursor: Buffer;
  more: boolean;
}

/** The pages of all groups under one configuration, merged. */
class Merge {
  readonly #range: ScanRange;
  readonly #options: ScanOptions;
  readonly #sources: Source[];
  /** A group no longer serves what it was asked for; what it sent does not count as all there is. */
  interrupted = false;

  constructor(
    shards: ReadonlyMap<Gid, ShardId[]>,
    range: ScanRange,
    options: ScanOptions,
  ) {
    this.#range = range;
    this.#options = options;
    this.interrupted = shards.has(NO_GROUP);
    this.#sources = this.interrupted ? [] : [...shards].map(([gid, ids]) => this.#source(gid, ids));
  }

  /** The pair with the lowest key that is left; undefined at the end or once interrupted. */
  async next(): Promise<ShardPair | undefined> {
    await this.#fill();
    if (this.interrupted) return undefined;
    let lowest: Source | undefined;
    for (const source of this.#sources) {
      if (source.position === source.pairs.length) continue;
      if (lowest === undefined || Buffer.compare(head(source).key, head(lowest).key) < 0) {
        lowest = source;
      }
    }
    if (lowest === undefined) return undefined;
    const pair = head(lowest);
    lowest.position++;
    return pair;
  }

  #source(gid: Gid, shards: readonly ShardId[]): Source {
    const { router, dialer, clock, prng } = this.#options;
    const choice = router.replicas(gid);
    const first = choice?.address ?? "";
    const others = (choice?.addresses ?? []).filter((address) => address !== first);
    const caller = new LeaderCaller({ servers: [first, ...others], dialer, clock, prng });
    return { gid, caller, shards, pairs: [], position: 0, cursor: this.#range.start, more: true };
  }

  /** Fetches the next page of every group that has come to the end of its last. */
  async #fill(): Promise<void> {
    const empty = this.#sources.filter((source) => {
      return source.more && source.position === source.pairs.length;
    });
    if (empty.length > 0) await Promise.all(empty.map((source) => this.#page(source)));
  }

  async #page(source: Source): Promise<void> {
    const page = await this.#ask(source);
    const last = page?.pairs.at(-1);
    if (page === undefined) {
      this.interrupted = true;
      return;
    }
    if (page.more && last === undefined) {
      throw new KvError("INTERNAL", "Cannot scan: a group sent an empty page and says more follow");
    }
    source.pairs = page.pairs;
    source.position = 0;
    source.more = page.more;
    if (last !== undefined) source.cursor = successor(last.key);
  }

  /** One page, or undefined if the group does not serve all of the shards now. */
  async #ask(source: Source): Promise<ScanResponse | undefined> {
    const { router, timeoutMs } = this.#options;
    const { gid, shards } = source;
    const isDetour = shards.some((shard) => router.isDetour(shard));
    let page: ScanResponse | undefined;
    try {
      page = await this.#call(
        source,
        isDetour ? Math.min(timeoutMs, DETOUR_TIMEOUT_MS) : timeoutMs,
      );
    } catch (error) {
      // It was named by the shards' owner, which may have them by now.
      const mayBeThere = KvError.from(error).code === "DEADLINE_EXCEEDED" && isDetour;
      if (!mayBeThere || !router.forgetDetours(gid)) throw error;
      return undefined;
    }
    if (page !== undefined && page.places.length === 0) return page;
    const { places = [], configNum = 0 } = page ?? {};
    router.refused({ gid, configNum, places }, shards, false);
    return undefined;
  }

  #call(source: Source, timeoutMs: number): Promise<ScanResponse | undefined> {
    const { signal } = this.#options;
    const request = {
      shards: [...source.shards],
      start: source.cursor,
      end: this.#range.end,
      limit: Math.min(SCAN_PAGE_KEYS_MAX, this.#range.limit),
      keysOnly: this.#range.keysOnly,
    };
    return source.caller.call({
      what: "scan",
      kind: "read",
      timeoutMs,
      signal,
      attempt: async (channel, call) => {
        try {
          return await channel.unary(KvServiceService.scan, request, call);
        } catch (error) {
          if (error instanceof KvError && movedAway(error)) return undefined;
          throw error;
        }
      },
    });
  }
}

function movedAway(error: KvError): boolean {
  return error.code === "WRONG_GROUP" || error.code === "NOT_READY";
}

function head(source: Source): ShardPair {
  return source.pairs[source.position] as ShardPair;
}

function shardsByGroup({ shards: { length } }: Config, router: Router): Map<Gid, ShardId[]> {
  const groups = new Map<Gid, ShardId[]>();
  for (let shard = 0; shard < length; shard++) {
    const gid = router.gidOf(shard);
    const shards = groups.get(gid);
    if (shards === undefined) groups.set(gid, [shard]);
    else shards.push(shard);
  }
  return groups;
}
