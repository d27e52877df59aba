/** Whom to ask about a group, or about the controllers as if they were one. */
import { KvError } from "../../rpc/errors.ts";
import {
  type Config,
  CONTROLLERS_GID,
  type Gid,
  serversOf,
} from "../../shardctrler/configuration/config.ts";

/**
 * The servers of a group, or the controllers.
 *
 * @param latest Asked for a group only: about the controllers no configuration says anything
 * @throws {KvError} NOT_FOUND if the configuration does not know the group
 */
export async function groupServers(
  gid: Gid,
  controllers: readonly string[],
  latest: () => Promise<Config>,
): Promise<readonly string[]> {
  if (gid === CONTROLLERS_GID) return controllers;
  const servers = serversOf(await latest(), gid);
  if (servers.length > 0) return servers;
  throw new KvError("NOT_FOUND", `Cannot find group ${gid}: it is not part of the cluster`);
}
