/** How a node comes to know which node of which group it is. */
import * as pb from "../../../proto/gen/raft.ts";
import { KvError } from "../../../rpc/errors.ts";
import { backoffMs } from "../../../rpc/retry.ts";
import type { Dialer } from "../../../rpc/service.ts";
import { type Clock, sleep } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/logger.ts";
import type { Prng } from "../../../runtime/prng.ts";
import type { Engine } from "../../../storage/engine.ts";
import type { NodeId } from "../../types.ts";
import { hasBegun } from "../stored_node.ts";
import { IdentityError, type NodeIdentity, readIdentity } from "./identity.ts";
import { firstRoster, type Member, memberOf, type Roster } from "./roster.ts";

const ASK_TIMEOUT_MS = 2_000;
const RETRY = { initialMs: 100, maxMs: 2_000 };
/** Rounds of asking all servers before a joining node gives up. */
const ROUNDS_MAX = 10;

/** For a node that was added to a group that exists. */
export interface JoinOptions {
  /** Where this node is, as it was added. */
  readonly address: string;
  /** Some servers of the group. */
  readonly servers: readonly string[];
}

export interface IdentifyOptions {
  /** `clusterId` means nothing for a node that joins: the group has one. */
  readonly identity: NodeIdentity;
  /** Address of every first member; means nothing for a node that joins. */
  readonly members: ReadonlyMap<NodeId, string>;
  readonly join?: JoinOptions | undefined;
  readonly engine: Engine;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
}

export interface Identified {
  readonly identity: NodeIdentity;
  readonly address: string;
  /** The members before the first entry of the log. */
  readonly first: Roster;
}

/**
 * Who this node is: what it was told, what its engine remembers, or what the
 * group that it joins says.
 *
 * @throws {IdentityError} If the group does not know a node at this address, or knows it by another id
 * @throws {KvError} UNAVAILABLE if no server of the group answers
 */
export async function identify(options: IdentifyOptions): Promise<Identified> {
  const { identity, members, join, engine } = options;
  if (join === undefined) {
    const address = members.get(identity.nodeId) ?? "";
    return { identity, address, first: firstRoster(members) };
  }
  const { address } = join;
  const stored = await readIdentity(engine);
  // A node that was killed right behind its claim knows no members yet and has to ask again.
  if (stored !== undefined && await hasBegun(engine)) {
    // The roster in the engine is what counts from the second start on.
    return { identity: { ...identity, clusterId: stored.clusterId }, address, first: NOBODY };
  }
  const group = await askGroup(options, join);
  checkPlace(group, identity, address);
  const first = new Map(group.firstMembers.map((member) => [member.id, member.address]));
  return {
    identity: { ...identity, clusterId: group.clusterId },
    address,
    first: { ...firstRoster(first), firstMembers: group.firstMembers },
  };
}

const NOBODY = firstRoster(new Map());

function checkPlace(group: pb.ListMembersResponse, identity: NodeIdentity, address: string): void {
  if (group.gid !== identity.gid) {
    throw new IdentityError(
      `Cannot join group ${identity.gid}: the servers that were named are of group ${group.gid}; ` +
        "correct '-gid' or '-cluster'",
    );
  }
  const places = group.members.flatMap(({ member }) => member ?? []);
  const place: Member | undefined = places.find((member) => member.address === address);
  if (place === undefined) {
    throw new IdentityError(
      `Cannot join: the group has no member at ${address}; add it first (member add)`,
    );
  }
  if (place.id !== identity.nodeId) {
    throw new IdentityError(
      `Cannot join as node ${identity.nodeId - 1}: the group knows ${address} as node ` +
        `${place.id - 1}; start it with '-id ${place.id - 1}'`,
    );
  }
}

/**
 * A node that has joined before asks nobody, and would serve an address where no member looks for it.
 *
 * @throws {IdentityError} If the members know this node at another address
 */
export function checkAddress(roster: Roster, { identity, address }: Identified): void {
  const member = memberOf(roster, identity.nodeId);
  // A snapshot that has not come yet would tell; data of versions that knew of no addresses has none.
  if (member === undefined || member.address === "" || member.address === address) return;
  throw new IdentityError(
    `Cannot join at ${address}: node ${identity.nodeId - 1} is a member at ${member.address}; ` +
      "start it with the flags it was made with, or choose another -db",
  );
}

async function askGroup(
  { dialer, clock, prng, logger }: IdentifyOptions,
  { servers }: JoinOptions,
): Promise<pb.ListMembersResponse> {
  let failure = new KvError("UNAVAILABLE", "Cannot join: no server of the group is named");
  for (let round = 0; round < ROUNDS_MAX; round++) {
    for (const server of servers) {
      try {
        return await askFrom(dialer, server);
      } catch (error) {
        const { message } = KvError.from(error);
        failure = new KvError("UNAVAILABLE", `Cannot join by ${server}: ${message}`, {
          cause: error,
        });
      }
    }
    logger.warn("No server of the group has answered", { error: failure.message });
    await sleep(clock, backoffMs(round, prng, RETRY));
  }
  throw failure;
}

/** Asks a server, and the leader it names if it is not the leader itself. */
async function askFrom(dialer: Dialer, server: string): Promise<pb.ListMembersResponse> {
  const ask = (address: string) =>
    dialer.channel(address).unary(pb.MemberServiceService.list, {}, { timeoutMs: ASK_TIMEOUT_MS });
  try {
    return await ask(server);
  } catch (error) {
    const { code, leader } = KvError.from(error);
    if (code !== "NOT_LEADER" || leader === undefined) throw error;
    return await ask(leader);
  }
}
