/** The groups of the latest configuration, and those that left and have not handed over everything. */
import { type Config, type Gid, serversOf } from "../shardctrler/configuration/config.ts";
import type { Instant } from "./api.ts";
import type { GroupReport } from "./state/group_report.ts";
import type { NodeObservation } from "./state/observation.ts";
import type { Seat } from "./tracked_node.ts";

/** Milliseconds that a group which left may say nothing before it is taken for gone. */
export const SILENCE_MS_MAX = 60_000;

interface Leaving {
  readonly servers: readonly string[];
  /** The first configuration without the group. */
  readonly configNum: number;
  /** When any of its servers answered last, or when it left. */
  heardAt: Instant | undefined;
}

export class GroupDirectory {
  readonly #leaving = new Map<Gid, Leaving>();
  #config: Config | undefined;

  get config(): Config | undefined {
    return this.#config;
  }

  /** A later configuration. */
  take(config: Config): void {
    const previous = this.#config;
    this.#config = config;
    for (const gid of listed(previous)) {
      const servers = previous === undefined ? [] : serversOf(previous, gid);
      this.#leaving.set(gid, { servers, configNum: config.num, heardAt: undefined });
    }
    for (const gid of listed(config)) this.#leaving.delete(gid);
  }

  /** Forgets everything. */
  clear(): void {
    this.#config = undefined;
    this.#leaving.clear();
  }

  get gids(): ReadonlySet<Gid> {
    return new Set([...listed(this.#config), ...this.#leaving.keys()]);
  }

  /** Where the servers of all these groups are. */
  get seats(): Seat[] {
    const config = this.#config;
    return [...this.gids].flatMap((gid) => {
      const servers = this.#leaving.get(gid)?.servers ?? (config && serversOf(config, gid)) ?? [];
      return servers.map((address, position) => ({ gid, address, position }));
    });
  }

  /**
   * Lets groups go that left and hold nothing any more, or of which nothing is heard.
   *
   * @returns True if there were any
   */
  release(
    nodes: readonly NodeObservation[],
    reports: ReadonlyMap<Gid, GroupReport>,
    now: Instant,
  ): boolean {
    let released = false;
    for (const [gid, leaving] of this.#leaving) {
      leaving.heardAt ??= now;
      if (nodes.some((node) => node.gid === gid && node.isUp)) leaving.heardAt = now;
      const isSilent = now - leaving.heardAt > SILENCE_MS_MAX;
      if (!isSilent && !hasHandedOver(reports.get(gid), leaving)) continue;
      this.#leaving.delete(gid);
      released = true;
    }
    return released;
  }
}

function hasHandedOver(report: GroupReport | undefined, { configNum }: Leaving): boolean {
  return report?.isLeader === true && report.configNum >= configNum && report.shards.size === 0;
}

function listed(config: Config | undefined): Gid[] {
  return config === undefined ? [] : [...config.groups.keys(), ...config.departed.keys()];
}
