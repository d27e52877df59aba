/**
 * Which incarnation of each peer this node has met. Raft trusts that nobody
 * forgets: a node whose disk was wiped would vote twice in a term, or let a
 * quorum forget what it has acknowledged. So a peer that comes with another
 * incarnation than before is refused until it is removed and added as a new
 * member.
 *
 * A node on an empty disk cannot tell a new group from one whose data it has
 * lost, but its peers can. It takes part only once it has met all the first
 * members of its group; after that it never waits for anybody again.
 */
import { KvError } from "../../rpc/errors.ts";
import { type Engine, EngineError } from "../../storage/engine.ts";
import { nodeKey } from "../../storage/key_space.ts";
import type { NodeId } from "../types.ts";
import { type Member, UNKNOWN_INCARNATION } from "./roster.ts";

export interface PeerRegistryOptions {
  readonly engine: Engine;
  readonly self: NodeId;
  /** Whom a node on an empty disk must meet first; empty for all others. */
  readonly mustMeet: readonly NodeId[];
}

export class PeerRegistry {
  readonly #engine: Engine;
  readonly #self: NodeId;
  readonly #mustMeet: readonly NodeId[];
  readonly #known: Map<NodeId, string>;
  readonly #complete = Promise.withResolvers<void>();
  #saving: Promise<void> = Promise.resolve();

  private constructor(options: PeerRegistryOptions, known: Map<NodeId, string>) {
    this.#engine = options.engine;
    this.#self = options.self;
    this.#mustMeet = options.mustMeet;
    this.#known = known;
    if (this.missing.length === 0) this.#complete.resolve();
  }

  /** @throws {EngineError} With kind "corruption" if the record makes no sense */
  static async load(options: PeerRegistryOptions): Promise<PeerRegistry> {
    return new PeerRegistry(options, parse(await options.engine.get(nodeKey("peers"))));
  }

  /** First members that a node on an empty disk has not met yet. */
  get missing(): readonly NodeId[] {
    return this.#mustMeet.filter((id) => id !== this.#self && !this.#known.has(id));
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
    if (known === incarnation) return await this.#saving;
    if (known !== undefined) throw forgotten(peer, known, incarnation);
    if (incarnation === UNKNOWN_INCARNATION) {
      throw new KvError("INVALID_ARGUMENT", `Cannot admit node ${peer - 1}: it does not say who`);
    }
    await this.#remember([[peer, incarnation]]);
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
    const value = Buffer.from(JSON.stringify([...this.#known]));
    const write = () =>
      this.#engine.write([{ type: "put", key: nodeKey("peers"), value }], { sync: true });
    this.#saving = this.#saving.then(write);
    await this.#saving;
    if (this.missing.length === 0) this.#complete.resolve();
  }
}

function parse(stored: Buffer | undefined): Map<NodeId, string> {
  if (stored === undefined) return new Map();
  try {
    return new Map(JSON.parse(stored.toString()) as [NodeId, string][]);
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
