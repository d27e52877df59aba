/** Which node a data directory belongs to; it never serves another one. */
import { createHash } from "node:crypto";
import { type Prng, randomId } from "../../../runtime/prng.ts";
import { type Engine, EngineError } from "../../../storage/engine.ts";
import { nodeKey } from "../../../storage/key_space.ts";
import type { NodeId } from "../../types.ts";

/** Version of everything a node writes to its engine. */
export const DATA_FORMAT = 4;

/** Which node of which group of which cluster this is. */
export interface NodeIdentity {
  /** An unsigned 64-bit number in decimal digits; equal on all members of the group. */
  readonly clusterId: string;
  /** 0 for the controllers. */
  readonly gid: number;
  readonly nodeId: NodeId;
}

/**
 * The directory holds data of another node, or of a format this program does not know, or the group
 * to join has no such node. The message ends with what to do: it differs from one to the other.
 */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
}

/**
 * Derives the cluster id of a group from what all its members are told alike,
 * as etcd does from its initial cluster, so that nodes of different clusters
 * that reach each other by mistake refuse each other's messages.
 *
 * @param token A word the operator may choose to tell clusters on the same addresses apart
 * @param gid The group; 0 for the controllers
 * @param members Addresses of the first members, in order
 */
export function deriveClusterId(token: string, gid: number, members: readonly string[]): string {
  const text = JSON.stringify([token, gid, members]);
  return createHash("sha256").update(text).digest().readBigUInt64BE(0).toString();
}

/** What a data directory says of itself. */
export interface StoredIdentity extends NodeIdentity {
  readonly format: number;
  /** Missing in directories of versions that did not know of it. */
  readonly incarnation?: string;
}

/**
 * The identity in an engine; undefined if it is fresh.
 *
 * @throws {EngineError} With kind "corruption" if the record makes no sense
 */
export async function readIdentity(engine: Engine): Promise<StoredIdentity | undefined> {
  const stored = await engine.get(nodeKey("identity"));
  return stored && parseIdentity(stored);
}

/**
 * Writes the identity into a fresh engine, or checks it against the one there.
 *
 * @param prng Draws the incarnation of a fresh engine: a number that no other
 *   life of this node on another disk has
 * @returns The incarnation
 * @throws {IdentityError} If the engine belongs to somebody else
 */
export async function claimEngine(
  engine: Engine,
  identity: NodeIdentity,
  prng: Prng,
): Promise<string> {
  const found = await readIdentity(engine);
  if (found !== undefined) checkIdentity(found, identity);
  if (found?.incarnation !== undefined) return found.incarnation;
  const incarnation = randomId(prng);
  const { clusterId, gid, nodeId } = identity;
  const record: StoredIdentity = { format: DATA_FORMAT, clusterId, gid, nodeId, incarnation };
  const value = Buffer.from(JSON.stringify(record));
  await engine.write([{ type: "put", key: nodeKey("identity"), value }], { sync: true });
  return incarnation;
}

function checkIdentity(found: StoredIdentity, identity: NodeIdentity): void {
  if (found.format !== DATA_FORMAT) {
    throw new IdentityError(
      `Cannot read data of format ${found.format}: this version knows format ${DATA_FORMAT}; ` +
        "start the version that wrote it, or choose another -db",
    );
  }
  if (
    found.clusterId !== identity.clusterId || found.gid !== identity.gid ||
    found.nodeId !== identity.nodeId
  ) {
    throw new IdentityError(
      `Cannot use data of another node: the directory belongs to ${describe(found)}, ` +
        `and this is ${describe(identity)}; start it with the flags it was made with, or choose ` +
        "another -db",
    );
  }
}

function parseIdentity(stored: Buffer): StoredIdentity {
  try {
    return JSON.parse(stored.toString());
  } catch (error) {
    throw new EngineError("corruption", "Cannot parse the identity record", { cause: error });
  }
}

function describe(identity: NodeIdentity): string {
  const group = identity.gid === 0 ? "the controllers" : `group ${identity.gid}`;
  return `node ${identity.nodeId - 1} of ${group} in cluster ${identity.clusterId}`;
}
