/**
 * Which incarnation of each peer this node has met. Raft trusts that nobody
 * forgets: a node whose disk was wiped would vote twice in a term, or let a
 * quorum forget what it has acknowledged. So a peer that comes with another
 * incarnation than before is refused until it is removed and added as a new
 * member.
 *
 * A node on an empty disk cannot tell a new group from one whose data it has
 * lost, but its peers can. It takes part only once all the first members of its
 * group have welcomed it, which means that they remember its incarnation; after
 * that it never waits for anybody again. To have heard from them is not enough:
 * two nodes without their disks hear from the third and welcome each other.
 */
import { KvError } from "../../../rpc/errors.ts";
import { type Engine, EngineError } from "../../../storage/engine.ts";
import { nodeKey } from "../../../storage/key_space.ts";
import type { NodeId } from "../../types.ts";
import { type Member, UNKNOWN_INCARNATION } from "./roster.ts";

export interface PeerRegistryOptions {
  readonly engine: Engine;
  readonly self: NodeId;
  /** Who must welcome a node on an empty disk first; empty for all others. */
  readonly mustMeet: readonly NodeId[];
}

/** What is on disk. */
interface Stored {
  readonly known: readonly (readonly [NodeId, string])[];
  readonly welcomedBy: readonly NodeId[];
}

export class PeerRegistry {
  readonly #engine: Engine;
  readonly #self: NodeId;
  readonly #mustMeet: readonly NodeId[];
  readonly #known: Map<NodeId, string>;
  readonly #welcomedBy: Set<NodeId>;
  readonly #complete = Promise.withResolvers<void>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(options: PeerRegistryOptions, stored: Stored) {
    this.#engine = options.engine;
    this.#self = options.self;
    this.#mustMeet = options.mustMeet;
    this.#known = new Map(stored.known);
    this.#welcomedBy = new Set(stored.welcomedBy);
    if (this.missing.length === 0) this.#complete.resolve();
  }

  /** @throws {EngineError} With kind "corruption" if the record makes no sense */
  static async load(options: PeerRegistryOptions): Promise<PeerRegistry> {
    return new PeerRegistry(options, parse(await options.engine.get(nodeKey("peers"))));
  }

  /** First members that have not welcomed this node yet, if it was started on an empty disk. */
  get missing(): readonly NodeId[] {
    return this.#mustMeet.filter((id) => id !== this.#self && !this.#welcomedBy.has(id));
  }

  /** Resolves once nobody is missing. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  /** The peer's incarnation as far as it is known. */
  incarnationOf(peer: NodeId): string {
    return this.#known.get(peer) ?? UNKNOWN_INCARNATION;
  }

  /**
   * Lets a peer in under the incarnation it names; the first one it ever names
   * is remembered for good.
   *
   * @throws {KvError} REFUSED if it has named another one before
   * @throws {EngineError} If it cannot be remembered
   */
  async admit(peer: NodeId, incarnation: string): Promise<void> {
    const known = this.#known.get(peer);
    if (known !== undefined) {
      this.confirm(peer, incarnation);
      return await this.#saving;
    }
    if (incarnation === UNKNOWN_INCARNATION) {
      throw new KvError("INVALID_ARGUMENT", `Cannot admit node ${peer - 1}: it does not say who`);
    }
    await this.#remember([[peer, incarnation]]);
  }

  /**
   * Makes sure that a peer which was let in is still known under that incarnation.
   *
   * @throws {KvError} REFUSED if the group knows it under another one by now
   */
  confirm(peer: NodeId, incarnation: string): void {
    const known = this.incarnationOf(peer);
    if (known !== incarnation) throw forgotten(peer, known, incarnation);
  }

  /**
   * Notes that a peer has let this node in, and lets it in in turn.
   *
   * @throws As `admit`
   */
  async welcomed(peer: NodeId, incarnation: string): Promise<void> {
    await this.admit(peer, incarnation);
    if (!this.missing.includes(peer)) return;
    this.#welcomedBy.add(peer);
    await this.#save();
    if (this.missing.length === 0) this.#complete.resolve();
  }

  /** Takes over what the group has agreed on; it overrides what this node has heard by itself. */
  async learn(members: readonly Member[]): Promise<void> {
    const news = members
      .filter(({ id, incarnation }) =>
        id !== this.#self && incarnation !== UNKNOWN_INCARNATION &&
        this.#known.get(id) !== incarnation
      )
      .map(({ id, incarnation }): [NodeId, string] => [id, incarnation]);
    if (news.length > 0) await this.#remember(news);
  }

  async #remember(news: readonly [NodeId, string][]): Promise<void> {
    for (const [id, incarnation] of news) this.#known.set(id, incarnation);
    await this.#save();
  }

  async #save(): Promise<void> {
    const stored: Stored = { known: [...this.#known], welcomedBy: [...this.#welcomedBy] };
    const value = Buffer.from(JSON.stringify(stored));
    const write = () =>
      this.#engine.write([{ type: "put", key: nodeKey("peers"), value }], { sync: true });
    this.#saving = this.#saving.then(write);
    await this.#saving;
  }
}

function parse(bytes: Buffer | undefined): Stored {
  if (bytes === undefined) return { known: [], welcomedBy: [] };
  try {
    return JSON.parse(bytes.toString()) as Stored;
  } catch (error) {
    throw new EngineError("corruption", "Cannot parse the record of peers", { cause: error });
  }
}

function forgotten(peer: NodeId, known: string, incarnation: string): KvError {
  return new KvError(
    "REFUSED",
    `Cannot admit node ${peer - 1} as incarnation ${incarnation}: it was ${known} before, so its ` +
      "disk was wiped or replaced; remove it from the group and add it as a new member",
  );
}
