/** The operator of the simulated system: lets groups join and leave, and moves shards. */
import type { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import { checkServers } from "../../client/join_check.ts";
import { KvError } from "../../rpc/errors.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Config } from "../../shardctrler/configuration/config.ts";
import type { Draw } from "./draw.ts";
import type { EventLog } from "./event_log.ts";
import type { ObserverHub } from "./observer_hub.ts";
import type { SimCluster } from "./sim_cluster.ts";

export interface AdminParts {
  readonly clerk: CtrlerClerk;
  readonly cluster: SimCluster;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly events: EventLog;
  readonly hub: ObserverHub;
  /** Mean time between two changes. */
  readonly periodMs: number;
}

/** Time of one call of the operator. */
const TIMEOUT_MS = 5_000;
/** Time for servers of groups that join to say who they are. */
const ASK_TIMEOUT_MS = 1_000;

export class Admin {
  readonly #parts: AdminParts;
  #stopped = false;

  constructor(parts: AdminParts) {
    this.#parts = parts;
  }

  /** Gives the shards to some groups, at least one, before anything else happens. */
  async begin(): Promise<void> {
    const { cluster: { gids }, draw } = this.#parts;
    const some = draw.subset(gids);
    await this.#insist(() => this.#join(some.length > 0 ? some : gids));
  }

  /** Changes the configuration again and again until told to stop. */
  async run(): Promise<void> {
    const { clock, draw, periodMs } = this.#parts;
    while (!this.#stopped) {
      await sleep(clock, draw.fraction() * 2 * periodMs);
      if (!this.#stopped) await this.#try(() => this.#change());
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #change(): Promise<Config> {
    const { clerk, cluster, draw } = this.#parts;
    const config = await clerk.query(-1, { timeoutMs: TIMEOUT_MS });
    const present = [...config.groups.keys()];
    const absent = cluster.gids.filter((gid) => !config.groups.has(gid));
    const kind = draw.pick(["join", "leave", "move"]);
    if (kind === "join" && absent.length > 0) {
      const some = draw.subset(absent);
      return await this.#join(some.length > 0 ? some : absent);
    }
    if (kind === "leave" && present.length > 1) {
      return await clerk.leave([draw.pick(present)], { timeoutMs: TIMEOUT_MS });
    }
    const shard = draw.prng.below(config.shards.length);
    return await clerk.move(shard, draw.pick(present), { timeoutMs: TIMEOUT_MS });
  }

  /** As the command line does it: without `-force` if the groups' servers answer. */
  async #join(gids: readonly number[]): Promise<Config> {
    const { clerk, cluster, clock } = this.#parts;
    const dialer = cluster.network.dialer("admin");
    const groups = new Map(gids.map((gid) => [gid, cluster.addresses(gid)]));
    const asking = { clerk, dialer, clock, timeoutMs: ASK_TIMEOUT_MS, print: () => {} };
    const identities = await checkServers(groups, asking).catch((error) => {
      if (!(error instanceof KvError)) throw error;
      return undefined;
    });
    return await clerk.join(groups, { timeoutMs: TIMEOUT_MS, identities });
  }

  /** @returns Whether it worked */
  async #try(change: () => Promise<Config>): Promise<boolean> {
    const { events, hub } = this.#parts;
    try {
      const config = await change();
      hub.tell((all) => all.configurationSeen(config));
      return true;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      events.record("change failed", error.code);
      return error.code === "ALREADY_EXISTS";
    }
  }

  async #insist(change: () => Promise<Config>): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#stopped && !await this.#try(change)) await sleep(clock, 100);
  }
}
