/** Groups as the page shows them. Pure. */
import {
  type Config,
  CONTROLLERS_GID,
  type Gid,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import type { GroupView, ShardView } from "../api.ts";
import type { GroupReport } from "./group_report.ts";
import { byGroup, leaderOf, type NodeObservation } from "./observation.ts";

export interface GroupViewSources {
  readonly config: Config | undefined;
  readonly nodes: readonly NodeObservation[];
  readonly reports: ReadonlyMap<Gid, GroupReport>;
  readonly shards: readonly ShardView[];
}

/** By gid: the groups of the configuration, and those that left and still hold shards. */
export function groupViews({ config, nodes, reports, shards }: GroupViewSources): GroupView[] {
  const owned = Map.groupBy(shards, ({ groupId }) => groupId);
  const members = byGroup(nodes);
  const gids = new Set([...(config?.groups.keys() ?? []), ...members.keys()]);
  gids.delete(CONTROLLERS_GID);
  return [...gids].sort((a, b) => a - b).map((gid) => {
    const departed = config !== undefined && !config.groups.has(gid);
    const servers = members.get(gid) ?? [];
    const mine = owned.get(gid) ?? [];
    const held = departed ? [...(reports.get(gid)?.shards.values() ?? [])] : mine;
    return {
      gid,
      leaderId: leaderOf(servers)?.id ?? null,
      shards: mine.map(({ shardId }): ShardId => shardId),
      keys: sum(held, "keys"),
      bytes: sum(held, "bytes"),
      storageBytes: servers.reduce((total, { answer }) => total + (answer?.storageBytes ?? 0), 0),
      departed,
    };
  });
}

function sum<Key extends string>(records: readonly Readonly<Record<Key, number>>[], key: Key) {
  return records.reduce((total, record) => total + record[key], 0);
}
