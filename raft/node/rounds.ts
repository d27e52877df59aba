/**
 * Does what the core's rounds ask for, in the order they demand (raft/ready.ts):
 * sends what may leave at once, has the rest saved first, and hands out what is
 * committed and what may be read.
 */
import type { Message } from "../message.ts";
import type { RawNode } from "../mod.ts";
import type { Ready } from "../ready.ts";
import type { LogIndex } from "../types.ts";
import type { Applier } from "./apply/applier.ts";
import { passAtOnce } from "./failpoints.ts";
import type { HeldMessages } from "./held_messages.ts";
import type { NodeIdentity } from "./members/identity.ts";
import type { RaftObserver } from "./observer.ts";
import type { Persister, Round } from "./persister.ts";
import type { Leadership } from "./requests/leadership.ts";
import type { ReadBarriers } from "./requests/read_barriers.ts";
import type { SnapshotExchange } from "./snapshot/snapshot_exchange.ts";
import type { RpcTransport } from "./transport/rpc_transport.ts";

export interface RoundsOptions {
  readonly identity: NodeIdentity;
  readonly observer?: RaftObserver | undefined;
  readonly core: RawNode;
  readonly persister: Persister;
  readonly applier: Applier;
  readonly barriers: ReadBarriers;
  readonly leadership: Leadership;
  readonly transport: RpcTransport;
  readonly snapshots: SnapshotExchange;
  readonly held: HeldMessages;
  /** A snapshot up to `index` is what the machine holds now. */
  readonly onInstalled: (index: LogIndex) => void;
}

export class Rounds {
  readonly #options: RoundsOptions;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Takes every round the core has to give. */
  take(): void {
    const { core, held } = this.#options;
    while (core.hasReady()) this.#handle(core.ready());
    held.watch();
  }

  /** Goes on with rounds that are durable now, in their order. */
  persisted(rounds: readonly Round[]): void {
    const { core, onInstalled } = this.#options;
    for (const { ready, installation } of rounds) {
      core.persisted(ready);
      if (installation !== undefined) {
        core.applied(installation.meta.index);
        onInstalled(installation.meta.index);
      }
      this.#sendPromises(ready);
    }
  }

  /** Sends messages that need no snapshot to travel with them. */
  transmit(messages: readonly Message[]): void {
    const { observer, transport } = this.#options;
    if (observer?.messageLeft !== undefined) {
      for (const message of messages) observer.messageLeft(message);
    }
    transport.send(messages);
  }

  #handle(ready: Ready): void {
    const { observer, identity, core, applier, barriers, leadership } = this.#options;
    observer?.roundTaken?.(ready);
    if (ready.softState !== undefined) leadership.take(ready.softState);
    if (ready.messages.length > 0) passAtOnce("raft/beforeSend", identity);
    this.#send(ready.messages);
    this.#persistLater(ready);
    if (ready.committedEntries.length > 0) applier.enqueue(ready.committedEntries);
    for (const state of ready.readStates) barriers.confirm(state, core.appliedIndex);
    if (barriers.hasWaiting) applier.flush();
    for (const context of ready.droppedReads) barriers.drop(context, leadership.notLeader());
  }

  #persistLater(ready: Ready): void {
    const { core, persister, snapshots } = this.#options;
    const isEmpty = ready.entries.length === 0 && ready.hardState === undefined &&
      ready.snapshot === undefined;
    if (isEmpty && !persister.hasPending) {
      core.persisted(ready);
      this.#sendPromises(ready);
      return;
    }
    // Behind a disk that hangs, others' reads would make one after the other.
    if (isEmpty && ready.messagesAfterPersist.length === 0) return;
    persister.enqueue({ ready, installation: snapshots.takeInstallation(ready.snapshot) });
  }

  #sendPromises({ messagesAfterPersist }: Ready): void {
    if (messagesAfterPersist.length === 0) return;
    passAtOnce("raft/beforePromises", this.#options.identity);
    this.#send(messagesAfterPersist);
  }

  #send(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    this.transmit(messages.filter((message) => message.type !== "snapshot"));
    for (const message of messages) {
      if (message.type === "snapshot") void this.#options.snapshots.send(message);
    }
  }
}
