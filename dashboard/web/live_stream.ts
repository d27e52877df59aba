/**
 * The page's connection to `/api/v1/events`: comes back by itself, notices silence, and rests while
 * nobody looks. Time, chance and the stream itself are passed in.
 */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { ClusterState, StateDelta } from "../api.ts";

/** The part of `EventSource` that is used. */
export interface EventStream {
  /** 0 connecting, 1 open, 2 closed for good. */
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

/** `since`: by the reader's clock, when the last event came. */
export type LiveStatus =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "stale"; readonly since: number }
  | { readonly kind: "paused"; readonly since: number };

export interface LiveStreamOptions {
  readonly open: () => EventStream;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly onSnapshot: (state: ClusterState) => void;
  readonly onDelta: (delta: StateDelta) => void;
  readonly onStatus: (status: LiveStatus) => void;
}

/** A page that is looked at again within this time has missed nothing. */
export const HIDDEN_MS_MAX = 30_000;
/** The server looks at the cluster every second or few; this much silence means that it is gone. */
export const SILENCE_MS_MAX = 15_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 15_000;
const CLOSED = 2;

export class LiveStream {
  readonly #options: LiveStreamOptions;
  #stream: EventStream | null = null;
  #lastEventAt: number | null = null;
  #failures = 0;
  #hidden = false;
  #retry: Timer | null = null;
  #silence: Timer | null = null;
  #rest: Timer | null = null;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
  }

  start(): void {
    this.#connect();
  }

  /** Ends it; nothing is called afterwards. */
  stop(): void {
    this.#disconnect();
    this.#rest?.cancel();
  }

  /** Says whether anybody can see the page. */
  setHidden(hidden: boolean): void {
    if (hidden === this.#hidden) return;
    this.#hidden = hidden;
    this.#rest?.cancel();
    if (hidden) {
      this.#rest = this.#options.clock.setTimer(() => this.#pause(), HIDDEN_MS_MAX);
    } else if (this.#stream === null) {
      this.#failures = 0;
      this.#connect();
    }
  }

  /** Tries at once, instead of when the wait is over. */
  retryNow(): void {
    this.#connect();
  }

  #connect(): void {
    this.#disconnect();
    if (this.#lastEventAt === null) this.#options.onStatus({ kind: "connecting" });
    const stream = this.#options.open();
    this.#stream = stream;
    stream.addEventListener("snapshot", ({ data }) => {
      this.#heard(stream, data, this.#options.onSnapshot);
    });
    stream.addEventListener("delta", ({ data }) => {
      this.#heard(stream, data, this.#options.onDelta);
    });
    stream.addEventListener("error", () => this.#failed(stream));
    this.#watchSilence();
  }

  #heard<T>(stream: EventStream, data: unknown, take: (value: T) => void): void {
    if (stream !== this.#stream) return;
    this.#failures = 0;
    this.#lastEventAt = this.#options.clock.wallTime();
    this.#watchSilence();
    take(JSON.parse(String(data)) as T);
    this.#options.onStatus({ kind: "live" });
  }

  #failed(stream: EventStream): void {
    if (stream !== this.#stream) return;
    this.#reportStale();
    // While it says `connecting`, the browser tries again by itself, and asks only for what it missed.
    if (stream.readyState === CLOSED) this.#retryLater();
  }

  #watchSilence(): void {
    this.#silence?.cancel();
    this.#silence = this.#options.clock.setTimer(() => {
      this.#reportStale();
      this.#retryLater();
    }, SILENCE_MS_MAX);
  }

  #retryLater(): void {
    this.#disconnect();
    const bound = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** this.#failures);
    this.#failures++;
    // Between half and all of it: many pages must not come back at the same moment.
    const wait = bound / 2 + this.#options.prng.below(Math.ceil(bound / 2));
    this.#retry = this.#options.clock.setTimer(() => this.#connect(), wait);
  }

  #reportStale(): void {
    const since = this.#lastEventAt;
    this.#options.onStatus(since === null ? { kind: "connecting" } : { kind: "stale", since });
  }

  #pause(): void {
    this.#disconnect();
    const since = this.#lastEventAt ?? this.#options.clock.wallTime();
    this.#options.onStatus({ kind: "paused", since });
  }

  #disconnect(): void {
    this.#retry?.cancel();
    this.#silence?.cancel();
    this.#stream?.close();
    this.#stream = null;
  }
}
