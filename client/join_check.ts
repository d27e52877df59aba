/**
 * Checks before a join that the servers it names are there, and are who they are
 * taken for. The controllers would give shards to a group that is not there too,
 * and nobody could read these until it is.
 */
import { KvError } from "../rpc/errors.ts";
import type { Dialer } from "../rpc/service.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import { applyChange } from "../shardctrler/configuration/apply_change.ts";
import { checkChange, type Refusal } from "../shardctrler/configuration/change.ts";
import {
  type Gid,
  type GroupIdentity,
  isOtherGroup,
  NO_IDENTITY,
} from "../shardctrler/configuration/config.ts";
import type { CtrlerClerk } from "./ctrler_clerk.ts";
import { groupStatus, type NodeStatus } from "./status/node_status.ts";

/** Milliseconds between two looks for servers that may just be starting. */
const LOOK_MS = 500;
/**
 * Looks after which it is worth mentioning that a group's servers are there but
 * have had no leader yet.
 */
const ELECTION_LOOKS = 5;

export interface JoinCheckContext {
  readonly clerk: Pick<CtrlerClerk, "query">;
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** Milliseconds that servers have to answer at all. */
  readonly timeoutMs: number;
  /** Told once of servers that do not answer yet. */
  readonly print: (text: string) => void;
}

/**
 * Waits until every group has had its first leader and a server of it has answered, and none as
 * another group's or another store's.
 *
 * @returns The identities of the groups that have one
 * @throws {KvError} REFUSED when one answers as another group's, or none of a group in time; what
 *   the controllers would say when they would refuse the join
 */
export async function checkServers(
  groups: ReadonlyMap<Gid, readonly string[]>,
  { clerk, dialer, clock, timeoutMs, print }: JoinCheckContext,
): Promise<Map<Gid, GroupIdentity>> {
  const change = { kind: "join", groups } as const;
  throwIfRefused(checkChange(change));
  const config = await clerk.query();
  // Whoever joins a group twice need not wait to be told.
  const outcome = applyChange(config, change);
  if (outcome.kind === "refused") throwIfRefused(outcome.refusal);
  const start = clock.now();
  let isTold = false;
  for (let looks = 0;; looks++) {
    const nodes = await groupStatus({ ...config, groups }, dialer);
    refuseStrangers(nodes);
    const silent = [...groups.keys()].filter((gid) => isSilent(gid, nodes));
    if (silent.length === 0) return identitiesOf(nodes);
    // A group that has just been started has its first leader soon, and that needs no words.
    const isOdd = looks >= ELECTION_LOOKS || silent.some((gid) => !answers(gid, nodes));
    if (isOdd && !isTold) {
      isTold = true;
      print(`Waits for group ${silent.join(", ")}: ${reasons(silent, nodes)}\n`);
    }
    if (clock.now() - start >= timeoutMs) throw silence(silent, nodes);
    await sleep(clock, LOOK_MS);
  }
}

function throwIfRefused(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw new KvError(refusal.code, refusal.message);
}

function refuseStrangers(nodes: readonly NodeStatus[]): void {
  for (const { gid, error } of nodes) {
    if (error?.code !== "WRONG_GROUP") continue;
    throw new KvError(
      "REFUSED",
      `Cannot join group ${gid}: ${lowerFirst(error.message)}; correct the addresses, ` +
        "or use -force to join it all the same",
    );
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function isSilent(gid: Gid, nodes: readonly NodeStatus[]): boolean {
  return nodes.every((node) => node.gid !== gid || node.error !== undefined || isUnborn(node));
}

function answers(gid: Gid, nodes: readonly NodeStatus[]): boolean {
  return nodes.some((node) => node.gid === gid && node.error === undefined);
}

/**
 * Whether the group has no identity yet: it gets one when its servers have elected
 * their first leader.
 */
function isUnborn({ identity, configNum }: NodeStatus): boolean {
  return identity === NO_IDENTITY && configNum === 0;
}

function identitiesOf(nodes: readonly NodeStatus[]): Map<Gid, GroupIdentity> {
  const identities = new Map<Gid, GroupIdentity>();
  for (const { gid, address, identity } of nodes) {
    if (identity === NO_IDENTITY) continue;
    if (isOtherGroup(identities.get(gid) ?? identity, identity)) {
      throw new KvError(
        "REFUSED",
        `Cannot join group ${gid}: the server at ${address} is one of another group ${gid}; ` +
          "correct the addresses",
      );
    }
    identities.set(gid, identity);
  }
  return identities;
}

function silence(gids: readonly Gid[], nodes: readonly NodeStatus[]): KvError {
  return new KvError(
    "REFUSED",
    `Cannot join group ${gids.join(", ")}: it is not there ` +
      `(${reasons(gids, nodes)}); start its servers, or use -force to join it all the same`,
  );
}

function reasons(gids: readonly Gid[], nodes: readonly NodeStatus[]): string {
  return nodes.filter(({ gid }) => gids.includes(gid))
    .map(({ address, error }) =>
      `${address}: ${error?.message ?? "the group has had no leader yet"}`
    )
    .join(", ");
}
