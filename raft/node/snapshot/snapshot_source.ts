/**
 * The sending side of snapshots: consistent views of the engine that
 * followers pull chunk by chunk. Nothing is ever held whole: a view is an open
 * iterator and the last chunk taken from it.
 */
import { crc32 } from "node:zlib";
import * as pb from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { type Route, unary } from "../../../rpc/service.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import {
  type Engine,
  EngineError,
  type EngineIterator,
  type KeyValue,
} from "../../../storage/engine.ts";
import { GENERATION_PREFIX_BYTES, generationRange } from "../../../storage/key_space.ts";
import type { NodeId, SnapshotMeta } from "../../types.ts";
import { pass } from "../failpoints.ts";
import type { NodeIdentity } from "../members/identity.ts";
import type { PeerRegistry } from "../members/peer_registry.ts";
import { decodeApplied } from "../members/roster_codec.ts";
import { checkFrame } from "../transport/rpc_transport.ts";

/** A chunk closes once it holds this much; one larger record still fits a message. */
const CHUNK_BYTES_MAX = 512 << 10;
/** Records taken from the engine at a time, if they are small. */
const READ_RECORDS_MAX = 64;
/** Records of the first read, before anything is known of their size: a value may have 2 MiB. */
const READ_RECORDS_FIRST = 16;
/** A view nobody has asked for this long is given up: it keeps old data alive in the engine. */
const IDLE_MS_MAX = 30_000;
/**
 * A view that nobody has asked for even once is given up sooner, and offered again:
 * the offer may be lost.
 */
const OFFER_MS_MAX = 3_000;

interface View {
  readonly meta: SnapshotMeta;
  readonly peer: NodeId;
  readonly iterator: EngineIterator;
  /** Records read but not sent yet. */
  pending: KeyValue[];
  /** Records to read next: about a chunk, going by those read last. */
  readMax: number;
  /** Number of the chunk below; -1 before the first. */
  sequence: number;
  chunk: pb.SnapshotChunk | undefined;
  idle: Timer;
  busy: boolean;
}

export interface SnapshotSourceOptions {
  readonly identity: NodeIdentity;
  readonly registry: PeerRegistry;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The peer has stopped asking; it may not have what it needs. */
  readonly onAbandoned: (peer: NodeId) => void;
  /** The engine failed. */
  readonly onFatal: (error: unknown) => void;
}

export class SnapshotSource {
  readonly #options: SnapshotSourceOptions;
  /** At most one view per follower. */
  readonly #views = new Map<NodeId, View>();
  #lastId = 0;
  #closed = false;
  /** What followers call. */
  readonly route: Route;

  constructor(options: SnapshotSourceOptions) {
    this.#options = options;
    this.route = unary(pb.RaftTransportService.fetchSnapshot, (request) => this.#fetch(request));
  }

  /**
   * Opens a view of the live generation for a follower, in place of an older one.
   *
   * @returns What the view stands for, with the id to pull it by
   */
  async open(peer: NodeId, generation: number): Promise<SnapshotMeta> {
    const iterator = this.#options.engine.iterate(generationRange(generation));
    const pending = await iterator.next(1);
    const applied = pending[0];
    if (applied === undefined || this.#closed) {
      await iterator.close();
      throw new KvError("NOT_READY", "Cannot open a snapshot: nothing is applied yet");
    }
    const { index, term, roster } = decodeApplied(applied.value);
    const meta = { index, term, confState: roster.conf, id: ++this.#lastId };
    const previous = this.#views.get(peer);
    this.#views.set(peer, {
      meta,
      peer,
      iterator,
      pending,
      readMax: READ_RECORDS_FIRST,
      sequence: -1,
      chunk: undefined,
      idle: this.#idleTimer(peer, OFFER_MS_MAX),
      busy: false,
    });
    previous?.idle.cancel();
    await previous?.iterator.close();
    this.#options.logger.info("Sends a snapshot", { peer: peer - 1, index: meta.index });
    return meta;
  }

  /** What the view that is open for a follower stands for, if there is one. */
  offered(peer: NodeId): SnapshotMeta | undefined {
    return this.#views.get(peer)?.meta;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#views.keys()].map((peer) => this.#drop(peer)));
  }

  async #fetch(request: pb.FetchSnapshotRequest): Promise<pb.SnapshotChunk> {
    const { identity, registry } = this.#options;
    checkFrame(request, identity);
    // Whoever is admitted is remembered for good: only those whom something was offered are.
    this.#viewFor(request);
    await registry.admit(request.from, request.fromIncarnation);
    // It may have been given up, or replaced, while the peer was written down.
    const view = this.#viewFor(request);
    if (view.busy) {
      throw new KvError("OVERLOADED", "Cannot send a chunk: another one is being read");
    }
    view.idle.cancel();
    view.idle = this.#idleTimer(view.peer, IDLE_MS_MAX);
    if (request.sequence === view.sequence && view.chunk !== undefined) return view.chunk;
    if (request.sequence !== view.sequence + 1) {
      // Who begins anew has lost what it had, in a crash: it needs a new view.
      if (request.sequence === 0) this.#abandon(view.peer);
      throw new KvError(
        "NOT_FOUND",
        `Cannot send chunk ${request.sequence} of a snapshot that is at chunk ${view.sequence}`,
      );
    }
    view.busy = true;
    try {
      view.chunk = await readChunk(view);
      view.sequence = request.sequence;
      // The last chunk may be asked for again, but nothing more is read.
      if (view.chunk.done) await view.iterator.close();
      await pass("raft/beforeChunk", this.#options.identity);
      return view.chunk;
    } catch (error) {
      this.#onUnread(view, error);
      throw error;
    } finally {
      view.busy = false;
    }
  }

  /** @throws {KvError} NOT_FOUND if the caller was offered no such snapshot, or no longer is */
  #viewFor({ from, snapshotId }: pb.FetchSnapshotRequest): View {
    const view = this.#views.get(from);
    if (view?.meta.id === snapshotId) return view;
    throw new KvError("NOT_FOUND", `Cannot send snapshot ${snapshotId}: it was given up`);
  }

  /** What was read for a chunk that failed is gone: to go on behind it would leave a hole. */
  #onUnread(view: View, error: unknown): void {
    // Given up meanwhile, and its iterator closed under the read: no failure of the engine.
    if (this.#views.get(view.peer) !== view) return;
    this.#abandon(view.peer);
    if (error instanceof EngineError) this.#options.onFatal(error);
  }

  #idleTimer(peer: NodeId, delayMs: number): Timer {
    // Also when it got everything: what was installed would have been acknowledged by then.
    return this.#options.clock.setTimer(() => this.#abandon(peer), delayMs);
  }

  #abandon(peer: NodeId): void {
    void this.#drop(peer);
    this.#options.onAbandoned(peer);
  }

  async #drop(peer: NodeId): Promise<void> {
    const view = this.#views.get(peer);
    if (view === undefined) return;
    this.#views.delete(peer);
    view.idle.cancel();
    await view.iterator.close();
  }
}

async function readChunk(view: View): Promise<pb.SnapshotChunk> {
  const records: pb.SnapshotRecord[] = [];
  let bytes = 0;
  let ended = false;
  while (bytes < CHUNK_BYTES_MAX) {
    if (view.pending.length === 0) {
      view.pending = await view.iterator.next(view.readMax);
      if (view.pending.length === 0) {
        ended = true;
        break;
      }
      view.readMax = Math.min(recordsOfChunk(view.pending), 2 * view.readMax, READ_RECORDS_MAX);
    }
    const taken = takeUntil(view.pending, CHUNK_BYTES_MAX - bytes);
    for (const { key, value } of taken) {
      bytes += key.length + value.length;
      records.push({ key: key.subarray(GENERATION_PREFIX_BYTES), value });
    }
  }
  return { records, done: ended, checksum: checksumOf(records) };
}

/** How many records such as these make up a chunk, at least one. */
function recordsOfChunk(pairs: readonly KeyValue[]): number {
  const bytes = pairs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return Math.max(1, Math.floor(CHUNK_BYTES_MAX * pairs.length / bytes));
}

/** Removes pairs from the front until they make up `bytes`, at least one. */
function takeUntil(pairs: KeyValue[], bytes: number): KeyValue[] {
  let sum = 0;
  let count = 0;
  for (const { key, value } of pairs) {
    if (count > 0 && sum + key.length + value.length > bytes) break;
    sum += key.length + value.length;
    count++;
  }
  return pairs.splice(0, count);
}

/** CRC-32 of keys and values in order. */
export function checksumOf(records: readonly pb.SnapshotRecord[]): number {
  let crc = 0;
  for (const { key, value } of records) crc = crc32(value, crc32(key, crc));
  return crc;
}
