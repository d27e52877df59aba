/** How Raft messages travel, as a port of the driver. */
import type { Message } from "../../message.ts";
import type { NodeId } from "../../types.ts";

/**
 * Contract: weak on purpose. A message may be lost, delayed, repeated or
 * overtaken; `send` never blocks and never throws; queues are bounded and drop
 * the oldest. Safety must not depend on anything better.
 */
export interface Transport {
  /** Where incoming messages go; set once, before the first message. */
  onMessage(handler: (message: Message) => void): void;
  /** Called when a peer is known not to have got something, so that the core probes it again. */
  onUnreachable(handler: (peer: NodeId) => void): void;
  /**
   * Called each time an attempt to reconnect to a peer fails. The peer may be alive
   * all the same, and out of reach for this node only.
   */
  onGone(handler: (peer: NodeId) => void): void;
  send(messages: readonly Message[]): void;
  close(): Promise<void>;
}
