/** Tells the controllers where the servers of this group are when its members have changed. */
import type { CtrlerClerk } from "../client/ctrler_clerk.ts";
import { isJoint } from "../raft/mod.ts";
import type { Roster } from "../raft/node/members/roster.ts";
import type { RaftNode } from "../raft/node/raft_node.ts";
import { KvError } from "../rpc/errors.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import {
  type Config,
  type Gid,
  identityOf,
  isOtherGroup,
} from "../shardctrler/configuration/config.ts";
import type { ShardMachine } from "./machine/machine.ts";
import { Notifier } from "./notifier.ts";

/** Milliseconds before the controllers are told again what they did not take. */
const RETRY_MS = 1_000;

export interface ServerListOptions {
  readonly gid: Gid;
  readonly raft: Pick<RaftNode, "status" | "roster" | "onRoleChange" | "onRosterChange">;
  readonly machine: { readonly ownership: Pick<ShardMachine["ownership"], "config" | "identity"> };
  readonly controllers: Pick<CtrlerClerk, "changeServers">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFatal: (error: unknown) => void;
}

/**
 * Whenever the members or the controllers' list may have changed, compares the two,
 * and corrects the list if this replica leads. It remembers nothing of its own, so
 * a new leader goes on where the old one was.
 */
export class ServerList {
  readonly #options: ServerListOptions;
  readonly #notifier = new Notifier();
  readonly #abort = new AbortController();
  readonly #endings: (() => void)[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(options: ServerListOptions) {
    this.#options = options;
  }

  start(): void {
    const { raft, onFatal } = this.#options;
    this.#endings.push(raft.onRoleChange(() => this.wake()));
    this.#endings.push(raft.onRosterChange(() => this.wake()));
    this.#running = this.#run().catch((error) => {
      if (!this.#abort.signal.aborted) onFatal(error);
    });
  }

  /** Role, members or configuration may have changed. */
  wake(): void {
    this.#notifier.notify();
  }

  async stop(): Promise<void> {
    for (const end of this.#endings) end();
    this.#abort.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const changed = this.#notifier.next();
      const servers = this.#news();
      if (servers === undefined) await changed;
      else await this.#tell(servers);
    }
  }

  /**
   * The servers that should be listed; undefined if the list is right or not this
   * replica's business.
   */
  #news(): readonly string[] | undefined {
    const { gid, raft, machine } = this.#options;
    if (raft.status().role !== "leader") return undefined;
    const { config, identity } = machine.ownership;
    // The number may be another group's by now.
    if (isOtherGroup(identity, identityOf(config, gid))) return undefined;
    const known = listedServers(config, gid);
    const servers = votersOf(raft.roster);
    if (known === undefined || servers === undefined) return undefined;
    const isSame = known.length === servers.length && servers.every((one) => known.includes(one));
    return isSame ? undefined : servers;
  }

  async #tell(servers: readonly string[]): Promise<void> {
    const { gid, machine, controllers, clock, logger } = this.#options;
    const { signal } = this.#abort;
    try {
      const { num } = await controllers.changeServers(gid, servers, {
        signal,
        identity: machine.ownership.identity,
      });
      logger.info("Told the controllers of new servers", { num, servers: servers.join() });
    } catch (error) {
      if (signal.aborted) return;
      const { code, message } = KvError.from(error);
      logger.warn("Cannot tell the controllers of new servers", { code, error: message });
    }
    // The group takes the new configuration in its turn; until then there is nothing to do.
    await sleep(clock, RETRY_MS, signal).catch(() => {});
  }
}

function listedServers(config: Config, gid: Gid): readonly string[] | undefined {
  return config.groups.get(gid) ?? config.departed.get(gid);
}

/**
 * Addresses of the voters. Undefined during a change of voters, and as long as the
 * members are the first ones: the group may have joined under other names of its
 * servers.
 */
function votersOf({ conf, members, firstMembers, nextId }: Roster): readonly string[] | undefined {
  // Somebody who came and went has been listed meanwhile.
  const hasGrown = nextId > Math.max(0, ...firstMembers.map(({ id }) => id)) + 1;
  const isAsFirst = !hasGrown && members.length === firstMembers.length &&
    firstMembers.every(({ id }) => conf.voters.includes(id));
  if (isJoint(conf) || isAsFirst) return undefined;
  return members.filter(({ id }) => conf.voters.includes(id)).map(({ address }) => address);
}
