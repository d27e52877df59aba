/** A member that comes to a group of a running cluster. */
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import type { ClusterPlan, NodePlan } from "../../tasks/cluster/plan.ts";
import { freePorts } from "./free_ports.ts";

/**
 * What a newcomer's process is started with, once the group has been told of
 * its address.
 *
 * @param gid 0 for the controllers
 * @param id The place it gets: one that nobody had
 * @throws {Error} When there is no such group
 */
export function planNewMember(plan: ClusterPlan, gid: number, id: number): NodePlan {
  const nodes = gid === CONTROLLERS_GID
    ? plan.controllers
    : plan.groups.find((group) => group.gid === gid)?.nodes;
  const first = nodes?.[0];
  if (first === undefined) throw new Error(`Cannot plan a new member: there is no group ${gid}`);
  const address = `127.0.0.1:${freePorts(1)[0]}`;
  return {
    ...first,
    label: gid === CONTROLLERS_GID ? `ctrler-${id}` : `${gid}-${id}`,
    id,
    address,
    directory: first.directory.replace(/_0$/, `_${id}`),
    args: [...first.args, "-id", String(id), "-join", address],
  };
}
