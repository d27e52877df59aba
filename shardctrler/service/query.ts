/** Linearizable reads of configurations. */
import { KvError } from "../../rpc/errors.ts";
import type { Config } from "../configuration/config.ts";
import { readConfig } from "../machine/machine_store.ts";
import type { ConfigFeed } from "./config_feed.ts";
import type { ControllerLog } from "./controller_log.ts";

/** The configuration asked for; or, if it does not exist yet, the latest, with `exact` false. */
export type QueryResult = { readonly config: Config; readonly exact: boolean };

/**
 * Reads a configuration linearizably. One that exists never changes, so any
 * replica that has it may answer; only what does not exist yet, and the
 * latest, must be asked of the leader.
 *
 * @param num Its number; a negative one stands for the latest
 * @returns The configuration, or the latest (not `exact`) if there is none with this number
 * @throws {KvError} NOT_LEADER, OVERLOADED, UNAVAILABLE; NOT_READY while the cluster is starting
 */
export async function queryConfig(
  log: ControllerLog,
  feed: ConfigFeed,
  num: number,
): Promise<QueryResult> {
  if (num < 0 || feed.latest === undefined || num > feed.latest.num) await log.readBarrier();
  const { latest } = feed;
  if (latest === undefined) {
    throw new KvError("NOT_READY", "Cannot tell the configuration: the cluster is still starting");
  }
  if (num < 0 || num === latest.num) return { config: latest, exact: true };
  if (num > latest.num) return { config: latest, exact: false };
  return { config: await readConfig(log.reader, num), exact: true };
}
