/** `shardctrlerclient check`: whether the replicas of each group hold the same. */
import { formatTable } from "../../runtime/table.ts";
import { type Config, CONTROLLERS_GID, type Gid } from "../../shardctrler/configuration/config.ts";
import { groupServers } from "../status/group_servers.ts";
import { checkGroup, type GroupCheck } from "../status/state_check.ts";
import { EXIT_ERROR, EXIT_OK, EXIT_UNAVAILABLE } from "./cli_exit.ts";
import type { GroupCommandContext } from "./command_context.ts";
import { errorField, jsonLine } from "./json_line.ts";

/** Digits of a hash in the table: enough to see a difference, JSON has all of them. */
const HASH_DIGITS = 16;

/**
 * Compares group after group, so that one is busy with it at a time.
 *
 * @param gids Empty: the controllers (0) and all groups
 * @returns The exit code: 1 if a replica differs, 4 if one could not be asked
 * @throws {KvError} If a group is not known, or no controller answers
 */
export async function runCheck(
  gids: readonly Gid[],
  context: GroupCommandContext,
): Promise<number> {
  const { controllers, io, json } = context;
  const { clock, prng } = io;
  // Asked once: all groups are those of one configuration.
  let config: Promise<Config> | undefined;
  const latest = () => config ??= context.clerk.query();
  const checks: GroupCheck[] = [];
  for (const gid of gids.length > 0 ? gids : allGids(await latest())) {
    const servers = await groupServers(gid, controllers, latest);
    checks.push(await checkGroup({ ...context, gid, servers, clock, prng }));
  }
  io.stdout(json ? checksJson(checks) : checksText(checks));
  const complaints = checks.flatMap(complaintsOf);
  for (const complaint of complaints) io.stderr(`${complaint}\n`);
  const results = new Set(checks.flatMap(({ replicas }) => replicas.map(({ result }) => result)));
  if (results.has("differs")) return EXIT_ERROR;
  return results.has("unknown") ? EXIT_UNAVAILABLE : EXIT_OK;
}

function allGids({ groups }: Config): Gid[] {
  return [CONTROLLERS_GID, ...[...groups.keys()].sort((a, b) => a - b)];
}

function checksText(checks: readonly GroupCheck[]): string {
  const heading = ["GID", "ADDRESS", "INDEX", "RECORDS", "BYTES", "HASH", "RESULT"];
  const rows = checks.flatMap(({ gid, replicas }) =>
    replicas.map(({ address, index, records, bytes, hash, result }) => [
      gid,
      address,
      index ?? "",
      records,
      bytes,
      hash?.slice(0, HASH_DIGITS) ?? "",
      result,
    ])
  );
  return formatTable(heading, rows);
}

function checksJson(checks: readonly GroupCheck[]): string {
  const groups = checks.map(({ gid, replicas }) => ({
    gid,
    replicas: replicas.map(({ index, hash, error, ...rest }) => ({
      ...rest,
      index: index ?? null,
      hash: hash ?? null,
      error: errorField(error),
    })),
  }));
  return jsonLine({ groups });
}

/** Which replica is wrong, or cannot be asked, in words. */
function complaintsOf({ gid, replicas }: GroupCheck): string[] {
  const name = gid === CONTROLLERS_GID ? "the controllers" : `group ${gid}`;
  const isMajority = replicas.some(({ result }) => result === "equal");
  const complaints = replicas.flatMap(({ address, result, error }) => {
    if (result === "differs" && isMajority) {
      return `${address} differs from the other replicas of ${name}: replace it as a new member`;
    }
    return error === undefined ? [] : error.message;
  });
  if (isMajority || !replicas.some(({ result }) => result === "differs")) return complaints;
  return [`The replicas of ${name} differ, and no majority holds the same`, ...complaints];
}
