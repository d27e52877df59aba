/** Snapshots on their way from and to this node, and the staged one that the core is about to take. */
import { KvError } from "../../../rpc/errors.ts";
import type { ServiceRoutes } from "../../../rpc/service.ts";
import type { InstallSnapshot, Message } from "../../message.ts";
import type { RawNode } from "../../raw_node.ts";
import type { NodeId, SnapshotMeta } from "../../types.ts";
import type { LiveGeneration } from "../apply/live_generation.ts";
import { pass } from "../failpoints.ts";
import type { Installation } from "../persister.ts";
import {
  SnapshotReceiver,
  type SnapshotReceiverOptions,
  type StagedSnapshot,
} from "./snapshot_receiver.ts";
import { SnapshotSource, type SnapshotSourceOptions } from "./snapshot_source.ts";

type Parts =
  & Omit<SnapshotSourceOptions, "onAbandoned">
  & Omit<SnapshotReceiverOptions, "onStaged">;

export interface SnapshotExchangeOptions extends Parts {
  readonly core: RawNode;
  readonly generation: LiveGeneration;
  /** Sends a message to a peer. */
  readonly transmit: (message: Message) => void;
  /** Takes the core's rounds: it was told something that must be acted on at once. */
  readonly onStepped: () => void;
  /** The core was told something. */
  readonly wake: () => void;
}

export class SnapshotExchange {
  readonly #options: SnapshotExchangeOptions;
  readonly #source: SnapshotSource;
  readonly #receiver: SnapshotReceiver;
  #staged: StagedSnapshot | undefined;
  #closed = false;
  #isReminding = false;

  constructor(options: SnapshotExchangeOptions) {
    this.#options = options;
    this.#source = new SnapshotSource({
      ...options,
      onAbandoned: (peer) => {
        options.core.reportSnapshot(peer, false);
        options.wake();
      },
    });
    const onStaged = (staged: StagedSnapshot) => this.#onStaged(staged);
    this.#receiver = new SnapshotReceiver({ ...options, onStaged }, options.generation.number);
  }

  get routes(): ServiceRoutes {
    return [this.#source.route];
  }

  /**
   * Offers a follower a snapshot. The core names the index it wants to send; the
   * view that is opened now is at least as new.
   */
  async send(message: InstallSnapshot): Promise<void> {
    const { core, generation, identity, transmit, wake, onFatal } = this.#options;
    try {
      const snapshot = await this.#source.open(message.to, generation.number);
      await pass("raft/beforeOffer", identity);
      transmit({ ...message, snapshot });
    } catch (error) {
      if (!(error instanceof KvError)) return onFatal(error);
      core.reportSnapshot(message.to, false);
      wake();
    }
  }

  /**
   * Repeats the offer to a follower that was out of reach: it may have crashed and
   * forgotten it. A follower that is still fetching ignores the repetition.
   */
  remind(to: NodeId): void {
    const { core, identity, transmit } = this.#options;
    const snapshot = this.#source.offered(to);
    const { term, progress } = core.status();
    if (snapshot === undefined || progress.get(to)?.state !== "snapshot") return;
    // A full queue makes room for the offer, and reports what it dropped as lost: here again.
    if (this.#isReminding) return;
    this.#isReminding = true;
    try {
      transmit({ type: "snapshot", from: identity.nodeId, to, term, snapshot });
    } finally {
      this.#isReminding = false;
    }
  }

  /**
   * Fetches the data of a snapshot before the core hears of it. If the core has no
   * use for it the message goes to the core as it is.
   */
  receive(message: InstallSnapshot): void {
    const { core } = this.#options;
    if (core.wantsSnapshot(message.snapshot)) this.#receiver.offer(message);
    else core.step(message);
  }

  /** What a round with a snapshot makes live. */
  takeInstallation(meta: SnapshotMeta | undefined): Installation | undefined {
    if (meta === undefined || this.#staged === undefined) return undefined;
    const { generation } = this.#staged;
    this.#staged = undefined;
    return { meta, generation };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#receiver.close(), this.#source.close()]);
  }

  #onStaged(staged: StagedSnapshot): void {
    if (this.#closed) return;
    const { core, onStepped, wake } = this.#options;
    this.#staged = staged;
    core.step(staged.message);
    onStepped();
    // The core had no use for it after all: its leader is out of date, or the log has caught up.
    if (this.#staged !== undefined) {
      this.#staged = undefined;
      this.#receiver.discard(staged);
    }
    wake();
  }
}
