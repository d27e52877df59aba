/** Changes who belongs to the groups and who leads them, while everything else goes on. */
import { MemberClerk } from "../../client/member_clerk.ts";
import { KvError } from "../../rpc/errors.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { createPrng } from "../../runtime/prng.ts";
import { CONTROLLERS_GID, type Gid } from "../../shardctrler/configuration/config.ts";
import type { Draw } from "./draw.ts";
import type { EventLog } from "./event_log.ts";
import type { SimCluster } from "./sim_cluster.ts";
import type { SimNode } from "./sim_node.ts";
import type { Statistics } from "./statistics.ts";

export interface MemberAdminParts {
  readonly cluster: SimCluster;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly events: EventLog;
  readonly statistics: Statistics;
  /** Mean time between two changes. */
  readonly periodMs: number;
  /** Whether disks get lost: then members are replaced, and none is taken out beside that. */
  readonly losesDisks: boolean;
}

const TIMEOUT_MS = 5_000;
/** Between two attempts to give a new member its vote. */
const PROMOTE_RETRY_MS = 300;
/** More members than the options began with. */
const EXTRA_MEMBERS_MAX = 2;

export class MemberAdmin {
  readonly #parts: MemberAdminParts;
  readonly #clerkDraw: Draw;
  #stopped = false;

  constructor(parts: MemberAdminParts) {
    this.#parts = parts;
    this.#clerkDraw = parts.draw.fork();
  }

  /** Makes one change after the other until told to stop. */
  async run(): Promise<void> {
    const { clock, draw, periodMs } = this.#parts;
    while (!this.#stopped) {
      await sleep(clock, draw.fraction() * 2 * periodMs);
      if (this.#stopped) return;
      const { cluster } = this.#parts;
      const gid = draw.pick([CONTROLLERS_GID, ...cluster.gids]);
      await this.#withClerk(gid, (clerk) => this.#change(gid, clerk));
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #change(gid: Gid, clerk: MemberClerk): Promise<void> {
    const { cluster, draw, losesDisks } = this.#parts;
    const nodes = cluster.membersOf(gid);
    const lost = nodes.find(({ isLost }) => isLost);
    if (lost !== undefined) return this.#replace(gid, lost, clerk);
    if (losesDisks || draw.oneIn(2)) return this.#transfer(draw.pick(nodes), clerk);
    const removable = nodes.filter(({ gid: of, isFirst }) => of !== CONTROLLERS_GID || !isFirst);
    const isFull = nodes.length >= cluster.firstSize(gid) + EXTRA_MEMBERS_MAX;
    if (removable.length === 0 || nodes.length === 1 || (!isFull && draw.oneIn(2))) {
      return this.#grow(gid, clerk);
    }
    return this.#shrink(draw.pick(removable), clerk);
  }

  async #transfer(heir: SimNode, clerk: MemberClerk): Promise<void> {
    this.#note("transfer", heir.address);
    await clerk.transfer(heir.id - 1);
  }

  async #replace(gid: Gid, lost: SimNode, clerk: MemberClerk): Promise<void> {
    await this.#shrink(lost, clerk);
    await this.#grow(gid, clerk);
    this.#parts.cluster.fragile.delete(gid);
  }

  async #shrink(node: SimNode, clerk: MemberClerk): Promise<void> {
    await clerk.remove(node.id - 1);
    this.#note("member removed", node.address);
    node.retire();
    // It may go on for a while and must not disturb those who stay.
    const { clock, draw } = this.#parts;
    clock.setTimer(() => node.crash(), draw.between(0, 5_000));
  }

  async #grow(gid: Gid, clerk: MemberClerk): Promise<void> {
    const { cluster, clock } = this.#parts;
    const address = cluster.nextAddress(gid);
    const { id } = await clerk.add(address);
    this.#note("member added", address);
    cluster.addNode(gid, id + 1, address).start();
    while (!this.#stopped) {
      await sleep(clock, PROMOTE_RETRY_MS);
      try {
        await clerk.promote(id);
        return;
      } catch (error) {
        if (KvError.from(error).code === "NOT_FOUND") throw error;
      }
    }
  }

  async #withClerk(gid: Gid, change: (clerk: MemberClerk) => Promise<void>): Promise<void> {
    const { cluster, clock, events } = this.#parts;
    const dialer = cluster.network.dialer("members");
    const prng = createPrng(this.#clerkDraw.prng.below(2 ** 32));
    const servers = cluster.membersOf(gid).map(({ address }) => address);
    const clerk = new MemberClerk({ servers, dialer, clock, prng, timeoutMs: TIMEOUT_MS });
    try {
      await change(clerk);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      events.record("member change failed", error.code);
    } finally {
      clerk.close();
      await dialer.close();
    }
  }

  #note(kind: string, address: string): void {
    this.#parts.statistics.fault(kind);
    this.#parts.events.record(kind, address);
  }
}
