/** The transport of servers: one stream per peer and direction over the carriers of rpc/. */
import * as pb from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { type Dialer, type Route, type ServerStream, stream } from "../../../rpc/service.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { Prng } from "../../../runtime/prng.ts";
import type { Message } from "../../message.ts";
import { type NodeId, NONE } from "../../types.ts";
import type { NodeIdentity } from "../members/identity.ts";
import type { PeerRegistry } from "../members/peer_registry.ts";
import { memberOf, type Roster, wasRemoved } from "../members/roster.ts";
import { decodeMessage } from "./codec.ts";
import { frameCost } from "./frame_queue.ts";
import { CREDIT_REPORT_BYTES, CREDIT_REPORT_MS, FRAME_VERSION, PeerStream } from "./peer_stream.ts";
import type { Transport } from "./transport.ts";

/** Peers this node answers although its roster does not know them yet. */
const NEWCOMERS_MAX = 16;
/**
 * How far an unknown peer's id may be beyond the last one that this node knows to be
 * given: more members than are ever added while a node is away. Every id that was
 * met is stored for good, so their number needs a bound.
 */
const IDS_AHEAD_MAX = 1_024;

export interface RpcTransportOptions {
  readonly identity: NodeIdentity;
  readonly incarnation: string;
  readonly registry: PeerRegistry;
  /** Where this node is. */
  readonly address: string;
  readonly roster: Roster;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** The engine failed. */
  readonly onFatal: (error: unknown) => void;
}

interface Peer {
  readonly address: string;
  readonly stream: PeerStream;
}

/** A stream that a peer has opened to this node. */
interface Guest {
  /** NONE until it has introduced itself. */
  from: NodeId;
  /** Ends the stream. */
  readonly turnAway: (error: KvError) => void;
}

export class RpcTransport implements Transport {
  readonly #options: RpcTransportOptions;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #guests = new Set<Guest>();
  #roster: Roster;
  /** Streams to former peers that are coming to their end. */
  #closing: Promise<unknown> = Promise.resolve();
  #closed = false;
  #handler: (message: Message) => void = () => {};
  #unreachable: (peer: NodeId) => void = () => {};
  #gone: (peer: NodeId) => void = () => {};
  /** What peers call. */
  readonly route: Route;

  constructor(options: RpcTransportOptions) {
    this.#options = options;
    this.#roster = options.roster;
    this.route = stream(pb.RaftTransportService.stream, (call) => this.#receive(call));
    this.setRoster(options.roster);
  }

  onMessage(handler: (message: Message) => void): void {
    this.#handler = handler;
  }

  onUnreachable(handler: (peer: NodeId) => void): void {
    this.#unreachable = handler;
  }

  onGone(handler: (peer: NodeId) => void): void {
    this.#gone = handler;
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) this.#peers.get(message.to)?.stream.send(message);
  }

  /** Speaks to the members of a new roster, and no longer to those it does not have. */
  setRoster(roster: Roster): void {
    if (this.#closed) return;
    const { learners } = this.#roster.conf;
    this.#roster = roster;
    for (const id of this.#peers.keys()) if (wasRemoved(roster, id)) this.#drop(id);
    // A learner asks for nothing and would not hear of its removal otherwise.
    for (const { from, turnAway } of this.#guests) {
      if (learners.includes(from) && wasRemoved(roster, from)) turnAway(removed(from));
    }
    for (const { id, address } of roster.members) this.#connect(id, address);
  }

  /** Where a peer is, be it a member or one that is about to be. */
  addressOf(peer: NodeId): string | undefined {
    return memberOf(this.#roster, peer)?.address ?? this.#peers.get(peer)?.address;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#handler = () => {};
    this.#unreachable = () => {};
    this.#gone = () => {};
    for (const id of [...this.#peers.keys()]) this.#drop(id);
    await this.#closing;
  }

  #connect(peer: NodeId, address: string): void {
    const { identity } = this.#options;
    if (this.#closed || peer === identity.nodeId) return;
    if (this.#peers.get(peer)?.address === address) return;
    this.#drop(peer);
    const stream = new PeerStream({
      ...this.#options,
      peer,
      peerAddress: address,
      onWelcome: (incarnation) => this.#judge((registry) => registry.welcomed(peer, incarnation)),
      onLoss: () => this.#unreachable(peer),
      onGone: () => this.#gone(peer),
    });
    this.#peers.set(peer, { address, stream });
  }

  #drop(peer: NodeId): void {
    const stream = this.#peers.get(peer)?.stream;
    this.#peers.delete(peer);
    if (stream !== undefined) this.#closing = Promise.all([this.#closing, stream.close()]);
  }

  async #receive(call: ServerStream<pb.RaftFrame, pb.RaftCredit>): Promise<void> {
    const { promise: turnedAway, reject: turnAway } = Promise.withResolvers<never>();
    const guest = { from: NONE, turnAway };
    this.#guests.add(guest);
    try {
      await Promise.race([this.#takeFrames(call, guest), turnedAway]);
    } finally {
      this.#guests.delete(guest);
    }
  }

  async #takeFrames(
    call: ServerStream<pb.RaftFrame, pb.RaftCredit>,
    guest: Guest,
  ): Promise<void> {
    const { identity, incarnation, clock } = this.#options;
    let introduced: pb.RaftFrame | undefined;
    let bytesReceived = 0;
    let bytesReported = 0;
    let reportedAt = -Infinity;
    for await (const frame of call.requests) {
      checkFrame(frame, identity);
      if (introduced === undefined) {
        guest.from = frame.from;
        await this.#meet(frame);
        introduced = frame;
        call.send({ bytesReceived, incarnation });
        reportedAt = clock.now();
      }
      this.#checkEnds(frame, introduced);
      const messages = frame.messages.map((wire) => decodeOwn(frame, wire));
      bytesReceived += frameCost(messages);
      const isDue = clock.now() - reportedAt >= CREDIT_REPORT_MS;
      if (isDue || bytesReceived - bytesReported >= CREDIT_REPORT_BYTES) {
        call.send({ bytesReceived, incarnation });
        bytesReported = bytesReceived;
        reportedAt = clock.now();
      }
      // Who was removed while its stream was open may never have heard of it, and campaigns for ever.
      // Nothing else it says is cut short: a leader that was removed hands over behind its removal.
      if (messages.some(isVoteRequest)) this.#refuseRemoved(frame.from);
      for (const message of messages) this.#handler(message);
    }
  }

  #refuseRemoved(from: NodeId): void {
    if (wasRemoved(this.#roster, from)) throw removed(from);
  }

  /** Checks who opens a stream, and refuses peers that must not take part. */
  async #meet(frame: pb.RaftFrame): Promise<void> {
    const { from, fromAddress } = frame;
    this.#refuseRemoved(from);
    // A node that has just joined knows the first members only, whose ids may be far behind its own.
    const lastId = Math.max(this.#roster.nextId - 1, this.#options.identity.nodeId);
    if (from > lastId + IDS_AHEAD_MAX) {
      const why = `Cannot take messages of node ${from - 1}: ids up to ${lastId - 1} are known`;
      throw new KvError("REFUSED", why);
    }
    await this.#judge((registry) => registry.admit(from, frame.fromIncarnation));
    // A member that was added after our last look: without an answer it could not help us on.
    if (memberOf(this.#roster, from) !== undefined || fromAddress === "") return;
    if (this.#peers.size < this.#roster.members.length + NEWCOMERS_MAX) {
      this.#connect(from, fromAddress);
    }
  }

  async #judge(judge: (registry: PeerRegistry) => Promise<void>): Promise<void> {
    try {
      await judge(this.#options.registry);
    } catch (error) {
      if (!(error instanceof KvError)) this.#options.onFatal(error);
      throw error;
    }
  }

  #checkEnds(frame: pb.RaftFrame, introduced: pb.RaftFrame): void {
    const { incarnation, registry } = this.#options;
    if (frame.from !== introduced.from || frame.fromIncarnation !== introduced.fromIncarnation) {
      throw new KvError(
        "INVALID_ARGUMENT",
        "Cannot take a frame of another than opened the stream",
      );
    }
    // The group may have agreed on another one since the stream was opened.
    registry.confirm(frame.from, frame.fromIncarnation);
    if (frame.messages.length > 0 && frame.toIncarnation !== incarnation) {
      throw new KvError(
        "REFUSED",
        `Cannot take messages for incarnation ${frame.toIncarnation} of this node: ` +
          `it is ${incarnation}`,
      );
    }
  }
}

function removed(node: NodeId): KvError {
  const why = `Cannot take messages of node ${node - 1}: it was removed from the group`;
  return new KvError("REFUSED", why);
}

function isVoteRequest({ type }: Message): boolean {
  return type === "preVote" || type === "vote";
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
