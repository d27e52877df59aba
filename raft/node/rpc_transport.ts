/** The transport of servers: one stream per peer and direction over the carriers of rpc/. */
import * as pb from "../../proto/gen/raft.ts";
import { KvError } from "../../rpc/errors.ts";
import { type Dialer, type Route, type ServerStream, stream } from "../../rpc/service.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { Message } from "../message.ts";
import type { NodeId } from "../types.ts";
import { decodeMessage } from "./codec.ts";
import { frameCost } from "./frame_queue.ts";
import type { NodeIdentity } from "./identity.ts";
import { CREDIT_REPORT_BYTES, FRAME_VERSION, PeerStream } from "./peer_stream.ts";
import type { Transport } from "./transport.ts";

export interface RpcTransportOptions {
  readonly identity: NodeIdentity;
  /** Address of every member, this node included. */
  readonly members: ReadonlyMap<NodeId, string>;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
}

export class RpcTransport implements Transport {
  readonly #options: RpcTransportOptions;
  readonly #peers = new Map<NodeId, PeerStream>();
  #handler: (message: Message) => void = () => {};
  #unreachable: (peer: NodeId) => void = () => {};
  /** What peers call. */
  readonly route: Route;

  constructor(options: RpcTransportOptions) {
    this.#options = options;
    this.route = stream(pb.RaftTransportService.stream, (call) => this.#receive(call));
    for (const [peer, address] of options.members) {
      if (peer === options.identity.nodeId) continue;
      this.#peers.set(
        peer,
        new PeerStream({
          ...options,
          peer,
          channel: options.dialer.channel(address),
          onLoss: () => this.#unreachable(peer),
        }),
      );
    }
  }

  onMessage(handler: (message: Message) => void): void {
    this.#handler = handler;
  }

  onUnreachable(handler: (peer: NodeId) => void): void {
    this.#unreachable = handler;
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#peers.get(message.to)?.send(message);
  }

  async close(): Promise<void> {
    this.#handler = () => {};
    this.#unreachable = () => {};
    await Promise.all([...this.#peers.values()].map((peer) => peer.close()));
  }

  async #receive(call: ServerStream<pb.RaftFrame, pb.RaftCredit>): Promise<void> {
    let bytesReceived = 0;
    let bytesReported = 0;
    call.send({ bytesReceived });
    for await (const frame of call.requests) {
      checkFrame(frame, this.#options.identity);
      const messages = frame.messages.map((wire) => decodeOwn(frame, wire));
      bytesReceived += frameCost(messages);
      if (bytesReceived - bytesReported >= CREDIT_REPORT_BYTES) {
        call.send({ bytesReceived });
        bytesReported = bytesReceived;
      }
      for (const message of messages) this.#handler(message);
    }
  }
}

/** Decodes a message, provided that the frame's sender speaks for itself. */
function decodeOwn(frame: pb.RaftFrame, wire: pb.RaftMessage): Message {
  if (wire.from !== frame.from || wire.to !== frame.to) {
    throw new KvError(
      "INVALID_ARGUMENT",
      `Cannot take a message ${wire.from} -> ${wire.to} in a frame ${frame.from} -> ${frame.to}`,
    );
  }
  try {
    return decodeMessage(wire);
  } catch (error) {
    throw new KvError("INVALID_ARGUMENT", KvError.from(error).message, { cause: error });
  }
}

/**
 * Refuses what is not meant for this node, so that a node of another cluster
 * or group that comes here by mistake can do no harm.
 */
export function checkFrame(
  frame: Pick<pb.RaftFrame, "clusterId" | "gid" | "from" | "to"> & { readonly version?: number },
  identity: NodeIdentity,
): void {
  if (frame.version !== undefined && frame.version !== FRAME_VERSION) {
    throw new KvError(
      "REFUSED",
      `Cannot take frames of version ${frame.version}: this node speaks version ${FRAME_VERSION}`,
    );
  }
  if (frame.clusterId !== identity.clusterId || frame.gid !== identity.gid) {
    throw new KvError(
      "REFUSED",
      `Cannot take messages of cluster ${frame.clusterId} group ${frame.gid}: ` +
        `this node is in cluster ${identity.clusterId} group ${identity.gid}`,
    );
  }
  if (frame.to !== identity.nodeId || frame.from === identity.nodeId) {
    throw new KvError(
      "REFUSED",
      `Cannot take messages ${frame.from} -> ${frame.to}: this is node ${identity.nodeId}`,
    );
  }
}
