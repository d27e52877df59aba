/**
 * Server-sent events: to each client a snapshot, then every change. All clients
 * share the bytes. A client that comes back gets what it has missed.
 */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ClusterState } from "../api.ts";
import { deltaBetween } from "../state/delta.ts";

/** Clients at a time: one for each page that somebody sees. */
const CLIENTS_MAX = 64;
/** Milliseconds a client has before it makes room for another one that has no better claim. */
export const CLIENT_MS_MIN = 10_000;
/** Changes that are kept for clients that come back: some minutes of a busy cluster. */
const CHANGES_MAX = 256;
/** Bytes of such changes. */
const CHANGES_BYTES_MAX = 4 << 20;
/** Bytes that wait for a slow client before it is dropped; it may come back. */
const QUEUE_BYTES_MAX = 4 << 20;
/** Milliseconds between two signs of life: proxies cut silent connections. */
export const HEARTBEAT_MS = 15_000;
/** Milliseconds without a change after which clients hear that there is none, and see that all is up to date. */
export const QUIET_MS_MAX = 5_000;
/** Milliseconds after which a browser that was cut off comes back. */
const RETRY_MS = 2_000;

const encoder = new TextEncoder();
const HELLO = encoder.encode(`retry: ${RETRY_MS}\n\n`);
const HEARTBEAT = encoder.encode(": alive\n\n");

export interface EventHubOptions {
  readonly clock: Clock;
  /** Tells the ids of this process from those of earlier ones. */
  readonly epoch: string;
  /** @default {CLIENTS_MAX} */
  readonly clientsMax?: number;
  /** @default {CHANGES_MAX} */
  readonly changesMax?: number;
  /** @default {QUEUE_BYTES_MAX} */
  readonly queueBytesMax?: number;
}

interface Change {
  readonly number: number;
  readonly bytes: Uint8Array;
}

interface Client {
  readonly stream: ReadableStreamDefaultController<Uint8Array>;
  /** Where it comes from. */
  readonly peer: string;
  readonly openedAt: number;
}

export class EventHub {
  readonly #options: EventHubOptions;
  /** The oldest first. */
  readonly #clients = new Set<Client>();
  #changes: Change[] = [];
  #changesBytes = 0;
  #number = 0;
  #state: ClusterState | undefined;
  /** What clients take for the time of the state. */
  #toldAt = 0;
  /** Of the present state; made when a client wants it. */
  #snapshot: Uint8Array | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#beat();
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Tells all clients what is new in this state. */
  publish(state: ClusterState): void {
    const before = this.#state;
    this.#state = state;
    this.#snapshot = undefined;
    if (before === undefined) {
      this.#toldAt = state.updatedAt;
      for (const client of this.#clients) this.#send(client, this.#snapshotBytes(state));
      return;
    }
    const { updatedAt } = state;
    const isQuiet = Math.abs(updatedAt - this.#toldAt) >= QUIET_MS_MAX;
    const delta = deltaBetween(before, state) ?? (isQuiet ? { updatedAt } : undefined);
    if (delta === undefined) return;
    this.#toldAt = updatedAt;
    const bytes = this.#event("delta", ++this.#number, JSON.stringify(delta));
    this.#keep({ number: this.#number, bytes });
    for (const client of this.#clients) this.#send(client, bytes);
  }

  /**
   * A stream for one client. If there are as many as allowed, another one's ends.
   *
   * @param lastEventId What the client has seen last
   * @param peer Where the client comes from
   * @returns Undefined if nobody has to make room for it
   */
  open(lastEventId: string | null, peer: string): ReadableStream<Uint8Array> | undefined {
    const { clock, queueBytesMax = QUEUE_BYTES_MAX } = this.#options;
    if (this.#closed || !this.#makeRoom(peer)) return undefined;
    let client: Client | undefined;
    return new ReadableStream<Uint8Array>({
      start: (stream) => {
        client = { stream, peer, openedAt: clock.now() };
        this.#clients.add(client);
        this.#send(client, HELLO);
        for (const bytes of this.#missedSince(lastEventId)) this.#send(client, bytes);
      },
      cancel: () => {
        if (client !== undefined) this.#clients.delete(client);
      },
    }, new ByteLengthQueuingStrategy({ highWaterMark: queueBytesMax }));
  }

  /** Ends all streams, now and later. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { stream } of this.#clients) stream.close();
    this.#clients.clear();
  }

  /**
   * Pages that were forgotten, and whoever opens one stream after the other, must not
   * lock everybody else out: of the address that has the most, the oldest ends. It
   * comes back by itself, and is told what it has missed. Where a newcomer's own address
   * has as many, as behind a proxy, only streams that have lasted for a while end, so
   * that clients do not spend their time ending each other's.
   */
  #makeRoom(peer: string): boolean {
    const { clock, clientsMax = CLIENTS_MAX } = this.#options;
    if (this.#clients.size < clientsMax) return true;
    const counts = new Map([[peer, 0]]);
    for (const client of this.#clients) counts.set(client.peer, (counts.get(client.peer) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const oldest = [...this.#clients].find((client) => counts.get(client.peer) === most);
    if (oldest === undefined) return false;
    const isFair = most <= (counts.get(peer) ?? 0) + 1;
    if (isFair && clock.now() - oldest.openedAt < CLIENT_MS_MIN) return false;
    this.#clients.delete(oldest);
    oldest.stream.close();
    return true;
  }

  #beat(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      for (const client of this.#clients) this.#send(client, HEARTBEAT);
      this.#beat();
    }, HEARTBEAT_MS);
  }

  #send(client: Client, bytes: Uint8Array): void {
    if (!this.#clients.has(client)) return;
    const { stream } = client;
    stream.enqueue(bytes);
    if ((stream.desiredSize ?? 0) > 0) return;
    // What waits for it is let go at once.
    this.#clients.delete(client);
    stream.error(new Error("Cannot keep up with a client: it reads too slowly"));
  }

  #missedSince(lastEventId: string | null): Uint8Array[] {
    const state = this.#state;
    if (state === undefined) return [];
    const seen = this.#numberOf(lastEventId);
    const oldest = this.#changes[0]?.number ?? this.#number + 1;
    if (seen === undefined || seen + 1 < oldest) return [this.#snapshotBytes(state)];
    return this.#changes.filter(({ number }) => number > seen).map(({ bytes }) => bytes);
  }

  /** Undefined for an id that is not of this process. */
  #numberOf(id: string | null): number | undefined {
    const [, epoch, digits] = /^([^-]+)-(\d{1,15})$/.exec(id ?? "") ?? [];
    const number = Number(digits);
    return epoch === this.#options.epoch && number <= this.#number ? number : undefined;
  }

  #snapshotBytes(state: ClusterState): Uint8Array {
    return this.#snapshot ??= this.#event("snapshot", this.#number, JSON.stringify(state));
  }

  #event(kind: "snapshot" | "delta", number: number, data: string): Uint8Array {
    const id = `${this.#options.epoch}-${number}`;
    return encoder.encode(`id: ${id}\nevent: ${kind}\ndata: ${data}\n\n`);
  }

  #keep(change: Change): void {
    const { changesMax = CHANGES_MAX } = this.#options;
    this.#changes.push(change);
    this.#changesBytes += change.bytes.length;
    while (this.#changes.length > changesMax || this.#changesBytes > CHANGES_BYTES_MAX) {
      this.#changesBytes -= this.#changes.shift()?.bytes.length ?? 0;
    }
  }
}
