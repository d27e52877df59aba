/** The receiving side of snapshots: pulls chunks into a generation of their own beside the live one. */
import * as pb from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { backoffMs } from "../../../rpc/retry.ts";
import type { Channel, Dialer } from "../../../rpc/service.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { Prng } from "../../../runtime/prng.ts";
import type { Engine, Write } from "../../../storage/engine.ts";
import {
  appliedKey,
  generationPrefix,
  generationRange,
  machineKey,
} from "../../../storage/key_space.ts";
import type { InstallSnapshot } from "../../message.ts";
import type { NodeId } from "../../types.ts";
import { pass } from "../failpoints.ts";
import type { NodeIdentity } from "../members/identity.ts";
import { decodeApplied } from "../members/roster_codec.ts";
import { checksumOf } from "./snapshot_source.ts";

const FETCH_TIMEOUT_MS = 5_000;
const RETRY = { initialMs: 50, maxMs: 1_000 };
/** Failures in a row after which a pull is given up; the leader then offers a new snapshot. */
const FAILURES_MAX = 8;

/** A snapshot that lies complete in a generation of its own. */
export interface StagedSnapshot {
  readonly message: InstallSnapshot;
  readonly generation: number;
}

export interface SnapshotReceiverOptions {
  readonly identity: NodeIdentity;
  readonly incarnation: string;
  readonly addressOf: (peer: NodeId) => string | undefined;
  readonly engine: Engine;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly onStaged: (staged: StagedSnapshot) => void;
  /** The engine failed. */
  readonly onFatal: (error: unknown) => void;
}

interface Pull {
  readonly message: InstallSnapshot;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  #pull: Pull | undefined;
  #nextGeneration: number;

  /** @param liveGeneration Generations above it are free to stage in */
  constructor(options: SnapshotReceiverOptions, liveGeneration: number) {
    this.#options = options;
    this.#nextGeneration = liveGeneration + 1;
  }

  /** Begins to pull what a leader offers; a repeated offer changes nothing, a new one replaces the old. */
  offer(message: InstallSnapshot): void {
    const current = this.#pull?.message;
    if (current?.from === message.from && current.snapshot.id === message.snapshot.id) return;
    const previous = this.#pull;
    previous?.stop.abort();
    const stop = new AbortController();
    const done = (previous?.done ?? Promise.resolve()).then(() => this.#run(message, stop.signal));
    this.#pull = { message, stop, done };
  }

  /** Clears a staged snapshot that nobody wants any more. */
  discard({ generation }: StagedSnapshot): void {
    this.#options.engine.clearRange(generationRange(generation)).catch(this.#options.onFatal);
  }

  async close(): Promise<void> {
    this.#pull?.stop.abort();
    await this.#pull?.done;
  }

  async #run(message: InstallSnapshot, signal: AbortSignal): Promise<void> {
    const { identity, dialer, engine, logger, addressOf, onStaged, onFatal } = this.#options;
    const address = addressOf(message.from);
    if (address === undefined || signal.aborted) return;
    const generation = this.#nextGeneration++;
    const { index } = message.snapshot;
    try {
      await pass("raft/beforeStage", identity);
      await this.#stage(dialer.channel(address), message, generation, signal);
      await pass("raft/afterStage", identity);
      await this.#checkStaged(message, generation);
    } catch (error) {
      if (this.#pull?.message === message) this.#pull = undefined;
      if (!(error instanceof KvError)) {
        if (!signal.aborted) onFatal(error);
        return;
      }
      logger.warn("Gave a snapshot up", { index, error: error.message });
      await engine.clearRange(generationRange(generation)).catch(onFatal);
      return;
    }
    if (this.#pull?.message === message) this.#pull = undefined;
    logger.info("Received a snapshot", { index });
    onStaged({ message, generation });
  }

  async #stage(
    channel: Channel,
    message: InstallSnapshot,
    generation: number,
    signal: AbortSignal,
  ): Promise<void> {
    const prefix = generationPrefix(generation);
    for (let sequence = 0;; sequence++) {
      const chunk = await this.#fetch(channel, message, sequence, signal);
      const writes = chunk.records.map(({ key, value }): Write => (
        { type: "put", key: machineKey(prefix, key), value }
      ));
      // Unsynced: the switch that makes the generation live is synced, and syncs all before it.
      if (writes.length > 0) await this.#options.engine.write(writes, { sync: false });
      await pass("raft/afterChunk", this.#options.identity);
      if (signal.aborted) throw new KvError("CANCELLED", "Stopped pulling a snapshot");
      if (chunk.done) return;
    }
  }

  /**
   * Checks that the snapshot holds the record which says how far its state reaches:
   * without it it is no state.
   */
  async #checkStaged({ snapshot }: InstallSnapshot, generation: number): Promise<void> {
    const record = await this.#options.engine.get(appliedKey(generation));
    const applied = record && decodeApplied(record);
    if (applied?.index === snapshot.index && applied.term === snapshot.term) return;
    throw new KvError(
      "INTERNAL",
      `Cannot use the snapshot of entry ${snapshot.index}: ` +
        `what it says is applied ends at ${applied?.index ?? "nothing"}`,
    );
  }

  async #fetch(
    channel: Channel,
    message: InstallSnapshot,
    sequence: number,
    signal: AbortSignal,
  ): Promise<pb.SnapshotChunk> {
    const { identity, incarnation, clock, prng } = this.#options;
    const request = {
      clusterId: identity.clusterId,
      gid: identity.gid,
      from: identity.nodeId,
      to: message.from,
      snapshotId: message.snapshot.id,
      sequence,
      fromIncarnation: incarnation,
    };
    for (let failures = 1;; failures++) {
      try {
        const chunk = await channel.unary(pb.RaftTransportService.fetchSnapshot, request, {
          timeoutMs: FETCH_TIMEOUT_MS,
          signal,
        });
        if (chunk.checksum === checksumOf(chunk.records)) return chunk;
        throw new KvError("UNAVAILABLE", `Chunk ${sequence} fails its checksum`);
      } catch (error) {
        const { code } = KvError.from(error);
        if (signal.aborted || code === "NOT_FOUND" || failures >= FAILURES_MAX) {
          throw KvError.from(error);
        }
        await sleep(clock, backoffMs(failures - 1, prng, RETRY), signal).catch((cause) => {
          throw new KvError("CANCELLED", "Stopped pulling a snapshot", { cause });
        });
      }
    }
  }
}
