/**
 * Messages that wait for a peer's stream. The queue is bounded: a full one drops
 * its oldest messages.
 */
import type { Message } from "../../message.ts";

/** Most bytes that wait for one peer; enough for a window of full append messages. */
const QUEUE_BYTES_MAX = 32 << 20;
/** Most messages that wait for one peer. */
const QUEUE_MESSAGES_MAX = 8192;
/** Bytes of one frame, unless a single message is larger: keeps heartbeats from waiting behind bulk. */
const FRAME_BYTES_MAX = 1 << 20;
/** What a message costs beside its payload; an estimate both ends share. */
const MESSAGE_OVERHEAD_BYTES = 64;

/** Bytes that a message counts as in queues and in credit; both ends must compute the same. */
function messageCost(message: Message): number {
  let bytes = MESSAGE_OVERHEAD_BYTES;
  if (message.type === "append") {
    for (const entry of message.entries) bytes += entry.data.length + 16;
  }
  return bytes;
}

export function frameCost(messages: readonly Message[]): number {
  let bytes = 0;
  for (const message of messages) bytes += messageCost(message);
  return bytes;
}

export class FrameQueue {
  #messages: Message[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** @returns How many older messages were dropped to make room */
  push(message: Message): number {
    this.#messages.push(message);
    this.#bytes += messageCost(message);
    let dropped = 0;
    while (
      this.#messages.length > QUEUE_MESSAGES_MAX ||
      (this.#bytes > QUEUE_BYTES_MAX && this.#messages.length > 1)
    ) {
      const oldest = this.#messages.shift();
      if (oldest !== undefined) this.#bytes -= messageCost(oldest);
      dropped++;
    }
    return dropped;
  }

  /** Takes the messages of the next frame, at least one if there is any. */
  takeFrame(): Message[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#messages) {
      const cost = messageCost(message);
      if (count > 0 && bytes + cost > FRAME_BYTES_MAX) break;
      bytes += cost;
      count++;
    }
    this.#bytes -= bytes;
    return this.#messages.splice(0, count);
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
  }
}
