/** Moves shards between this group and others, while this replica leads its group. */
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import { LeaderDuties, type LeaderDutiesOptions } from "./leader_duties.ts";

export class Migrator {
  readonly #options: LeaderDutiesOptions;
  #duties: LeaderDuties | undefined;
  /** Former duties that are still ending. */
  readonly #ending = new Set<Promise<void>>();
  #unsubscribe: () => void = () => {};

  constructor(options: LeaderDutiesOptions) {
    this.#options = options;
  }

  start(): void {
    const { log } = this.#options;
    this.#unsubscribe = log.onRoleChange(({ role }) => this.#onRole(role === "leader"));
    this.#onRole(log.status().role === "leader");
  }

  /** The group's ownership has changed. */
  wake(): void {
    this.#duties?.wake();
  }

  /** The shards on their way to this group; none unless this replica leads. */
  moves(): MoveInfo[] {
    return this.#duties?.moves() ?? [];
  }

  /** Gives everything up. What waits for the log ends only when the log is stopped too. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#onRole(false);
    await Promise.all(this.#ending);
  }

  #onRole(leads: boolean): void {
    if (leads && this.#duties === undefined) {
      this.#duties = new LeaderDuties(this.#options);
      this.#duties.start();
    } else if (!leads && this.#duties !== undefined) {
      const ending = this.#duties.stop().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
      this.#duties = undefined;
    }
  }
}
