/** One group that serves every key: what the scenarios of a replicated store are played on. */
import { openStore, Stage, type StageOptions } from "../stage.ts";

export const GID = 100;

export interface KvGroupOptions extends Pick<StageOptions, "tuning" | "unreliable"> {
  /** @default {5} */
  readonly replicas?: number;
}

export class KvGroup extends Stage {
  readonly positions: readonly number[] = [...this.store.addresses(GID).keys()];

  static async start(options: KvGroupOptions = {}): Promise<KvGroup> {
    const { replicas = 5, unreliable = false, tuning = {} } = options;
    const store = await openStore({ shards: 1, gids: [GID], replicas, tuning }, unreliable);
    const group = new KvGroup(store, unreliable);
    await store.join(GID);
    await store.settle(GID);
    return group;
  }

  addresses(positions: readonly number[]): string[] {
    const all = this.store.addresses(GID);
    return positions.map((position) => all[position] ?? "");
  }

  /** Power cut of all replicas, and power again. */
  async crashAll(): Promise<void> {
    for (const position of this.positions) await this.store.crash(GID, position);
    for (const position of this.positions) await this.store.start(GID, position);
  }

  async leader(): Promise<number> {
    await this.store.until(() => this.store.leader(GID) !== -1);
    return this.store.leader(GID);
  }
}
