/** Joining the groups of a fresh cluster and waiting until it serves. */
import { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { checkServers } from "../../client/join_check.ts";
import { groupStatus, type NodeStatus } from "../../client/status/node_status.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import type { Dialer } from "../../rpc/service.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createPrng, randomSeed } from "../../runtime/prng.ts";
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import { until } from "./deadline.ts";
import type { ClusterPlan } from "./plan.ts";

const POLL_MS = 100;
/** Milliseconds that new groups have to elect their first leaders. */
const START_TIMEOUT_MS = 60_000;

/** How far a configuration is carried out. */
export interface Coverage {
  readonly config: Config;
  /** Shards that the group it names serves. */
  readonly served: number;
}

export class ClusterAdmin {
  #dialer: Dialer = new GrpcDialer();
  #clerk: CtrlerClerk;
  #plan: ClusterPlan;

  constructor(plan: ClusterPlan) {
    this.#plan = plan;
    this.#clerk = new CtrlerClerk({
      controllers: plan.controllers.map((node) => node.address),
      dialer: this.#dialer,
      clock: systemClock,
      prng: createPrng(randomSeed()),
    });
  }

  /** Joins the groups of the plan that the latest configuration does not have; returns their ids. */
  async joinMissing(): Promise<Gid[]> {
    const config = await this.#clerk.query();
    const missing = this.#plan.groups.filter(({ gid }) => !config.groups.has(gid));
    if (missing.length === 0) return [];
    const groups = new Map(
      missing.map(({ gid, nodes }) => [gid, nodes.map((node) => node.address)]),
    );
    const identities = await checkServers(groups, {
      clerk: this.#clerk,
      dialer: this.#dialer,
      clock: systemClock,
      timeoutMs: START_TIMEOUT_MS,
      print: () => {},
    });
    await this.#clerk.join(groups, { identities });
    return missing.map(({ gid }) => gid);
  }

  /** Takes groups out of the cluster. */
  async leave(gids: readonly Gid[]): Promise<void> {
    await this.#clerk.leave(gids);
  }

  /**
   * Waits until every shard is served by the group that the latest configuration names.
   *
   * @throws {Error} Saying how far it came, when `timeoutMs` pass
   */
  async served(timeoutMs: number): Promise<Coverage> {
    let progress = "no configuration yet";
    return await until(() => progress, timeoutMs, async () => {
      const coverage = await this.coverage();
      const { config: { shards }, served } = coverage;
      progress = `${served} of ${shards.length} shards are served`;
      return served === shards.length ? coverage : undefined;
    }, POLL_MS);
  }

  /** How much of the latest configuration is served now. */
  async coverage(): Promise<Coverage> {
    const config = await this.#clerk.query();
    return { config, served: await this.#servingShards(config) };
  }

  async close(): Promise<void> {
    this.#clerk.close();
    await this.#dialer.close();
  }

  /** Every replica of every group, asked now. */
  async status(): Promise<NodeStatus[]> {
    return await groupStatus(await this.#clerk.query(), this.#dialer);
  }

  /** How many shards the leaders of their groups serve in this very configuration. */
  async #servingShards(config: Config): Promise<number> {
    const replicas = await groupStatus(config, this.#dialer);
    const leaders = replicas.filter((replica) =>
      replica.role === "Leader" && replica.configNum === config.num
    );
    const served = leaders.flatMap((leader) =>
      leader.shards.filter(({ shard, status }) =>
        status === "Serving" && config.shards[shard] === leader.gid
      )
    );
    return new Set(served.map(({ shard }) => shard)).size;
  }
}
