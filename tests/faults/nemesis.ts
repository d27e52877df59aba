/** Somebody who does harm to a cluster, and what he works with. */
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import { TimeoutError } from "../../tasks/cluster/deadline.ts";
import type { Draw } from "../sim/draw.ts";
import type { FaultCluster } from "./fault_cluster.ts";
import type { LoadKind } from "./load.ts";

/** How long a leader is looked for. */
const LEADER_MS = 3_000;

/** The scene of one round. */
export class Stage {
  readonly cluster: FaultCluster;
  /** Decides who is hit, when, and for how long. */
  readonly draw: Draw;
  /** Everything that was done, in words. */
  readonly deeds: string[];
  readonly #onDeed: (deed: string) => void;

  constructor(
    parts: Pick<Stage, "cluster" | "draw">,
    onDeed: (deed: string) => void,
    deeds: string[] = [],
  ) {
    this.cluster = parts.cluster;
    this.draw = parts.draw;
    this.deeds = deeds;
    this.#onDeed = onDeed;
  }

  /** A stage of the same scene with a generator of its own, for one who acts beside others. */
  fork(): Stage {
    return new Stage({ ...this, draw: this.draw.fork() }, this.#onDeed, this.deeds);
  }

  /** Notes that a fault was injected. */
  note(deed: string): void {
    this.deeds.push(deed);
    this.#onDeed(deed);
  }

  /** Lets time pass. */
  hold(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Lets a time pass that is drawn. */
  holdBetween(minMs: number, maxMs: number): Promise<void> {
    return this.hold(this.draw.between(minMs, maxMs));
  }

  /** A group, or 0 for the controllers. */
  anyGid(): number {
    return this.draw.pick([CONTROLLERS_GID, ...this.cluster.gids]);
  }

  /** Who leads; anybody if nobody does, as under the fault of another. */
  async leaderOf(gid: number): Promise<string> {
    try {
      return await this.cluster.leaderOf(gid, LEADER_MS);
    } catch (error) {
      if (error instanceof TimeoutError) return this.draw.pick(this.cluster.labelsOf(gid));
      throw error;
    }
  }

  async followerOf(gid: number): Promise<string> {
    const leader = await this.leaderOf(gid);
    return this.draw.pick(this.cluster.labelsOf(gid).filter((label) => label !== leader));
  }
}

/** Takes back what {@linkcode FaultCluster.heal} cannot know of. */
export type Mend = () => Promise<void>;

export interface Nemesis {
  readonly name: string;
  /** In a few words. */
  readonly about: string;
  /** May strike while another one does. @default {true} */
  readonly combines?: boolean;
  /** @default {"mixed"} */
  readonly load?: LoadKind;
  /** Why it cannot strike on this machine; undefined if it can. */
  readonly lacks?: () => Promise<string | undefined>;
  /** Does harm for some seconds, and leaves it to others to heal. */
  readonly strike: (stage: Stage) => Promise<Mend | void>;
}
