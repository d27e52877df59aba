/**
 * What one replica does while it leads its group: it follows the configurations and
 * carries out the moves of shards.
 */
import type { CtrlerClerk } from "../../client/ctrler_clerk.ts";
import type { MoveInfo } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { sleep } from "../../runtime/clock.ts";
import { randomId } from "../../runtime/prng.ts";
import {
  type Config,
  identityOf,
  isForeign,
  isOtherGroup,
  NO_IDENTITY,
  type ShardId,
} from "../../shardctrler/configuration/config.ts";
import { proposeStep } from "../group_log.ts";
import { ALL_PULLS_MAX, ALL_RELEASES_MAX, PULLS_MAX, RELEASES_MAX } from "../limits.ts";
import { encodeBirth, encodeConfigStep } from "../machine/commands.ts";
import { Notifier } from "../notifier.ts";
import { ControllerSilence } from "./controller_silence.ts";
import { planMigration, type PullAction, type ReleaseAction } from "./migration_plan.ts";
import { MoveProgress } from "./move_progress.ts";
import { type MoveContext, pullShard, releaseShard } from "./shard_moves.ts";

/** Milliseconds before something that failed is tried again. */
const RETRY_MS = 500;
/**
 * Milliseconds before the controllers are asked again after they turned out to be
 * another store's: that takes an operator to put right.
 */
const FOREIGN_RETRY_MS = 10_000;

/** Actions of a kind that run at the same time: for shards of one group, and of all. */
const ACTIONS_MAX = {
  pull: { ofGroup: PULLS_MAX, ofAll: ALL_PULLS_MAX },
  release: { ofGroup: RELEASES_MAX, ofAll: ALL_RELEASES_MAX },
} as const;

export interface LeaderDutiesOptions extends Omit<MoveContext, "signal" | "progress"> {
  readonly controllers: Pick<CtrlerClerk, "watch" | "query">;
  /** Called when a duty meets what should be impossible. */
  readonly onFatal: (error: unknown) => void;
}

type ShardAction = PullAction | ReleaseAction;

export class LeaderDuties {
  readonly #options: LeaderDutiesOptions;
  readonly #context: MoveContext;
  readonly #abort = new AbortController();
  readonly #changed = new Notifier();
  /** What is being done for which shard. Invariant: one action a shard. */
  readonly #actions = new Map<ShardId, ShardAction>();
  readonly #running = new Set<Promise<void>>();
  readonly #silence: ControllerSilence;
  /**
   * Whether the log is applied as far as it went at the start; before, no plan is
   * made, as the ownership may be outdated.
   */
  #isCaughtUp = false;

  constructor(options: LeaderDutiesOptions) {
    this.#options = options;
    const progress = new MoveProgress(options);
    this.#context = { ...options, progress, signal: this.#abort.signal };
    this.#silence = new ControllerSilence(options);
  }

  /** The shards that are on their way here. */
  moves(): MoveInfo[] {
    return this.#context.progress.list();
  }

  start(): void {
    this.#run(async () => {
      await this.#catchUp();
      await this.#begin();
      this.#isCaughtUp = true;
      this.wake();
      await this.#followConfigs();
    });
  }

  /** The ownership has changed: looks at what there is to do now. */
  wake(): void {
    this.#changed.notify();
    if (this.#abort.signal.aborted || !this.#isCaughtUp) return;
    for (const action of planMigration(this.#context.machine.ownership).actions) {
      if (this.#mayStart(action)) this.#startAction(action);
    }
  }

  /** Gives everything up; resolves once nothing runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort(new KvError("CANCELLED", "This replica leads no more"));
    this.#changed.notify();
    await Promise.all(this.#running);
  }

  /**
   * Whether there is room for one more. Actions with a group that is down do not end;
   * each group has room of its own, so that they do not take that of others.
   */
  #mayStart({ kind, shard, from }: ShardAction): boolean {
    if (this.#actions.has(shard)) return false;
    const max = ACTIONS_MAX[kind];
    const alike = [...this.#actions.values()].filter((action) => action.kind === kind);
    if (alike.length >= max.ofAll) return false;
    return alike.filter((action) => action.from === from).length < max.ofGroup;
  }

  #startAction(action: ShardAction): void {
    const { clock } = this.#context;
    const { signal } = this.#abort;
    this.#actions.set(action.shard, action);
    this.#run(async () => {
      try {
        await (action.kind === "pull"
          ? pullShard(this.#context, action)
          : releaseShard(this.#context, action));
      } catch (error) {
        this.#report(error, `Cannot ${action.kind} shard ${action.shard}`);
        if (!signal.aborted) await sleep(clock, RETRY_MS, signal);
      } finally {
        this.#actions.delete(action.shard);
      }
      this.wake();
    });
  }

  /**
   * Waits until what the log holds is applied: a new leader would otherwise plan
   * from an outdated state.
   */
  async #catchUp(): Promise<void> {
    const { log, clock } = this.#context;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        return await log.readBarrier();
      } catch (error) {
        this.#report(error, "Cannot catch up with the log");
      }
      await sleep(clock, RETRY_MS, signal);
    }
  }

  /** A group that has been in no configuration yet gets its identity before the first one. */
  async #begin(): Promise<void> {
    const { log, machine, clock, prng } = this.#context;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const { identity, config } = machine.ownership;
      if (identity !== NO_IDENTITY || config.num > 0) return;
      try {
        // Of two leaders that both get here the machine takes the first one's.
        await proposeStep(log, encodeBirth(randomId(prng)));
        return;
      } catch (error) {
        this.#report(error, "Cannot begin the group");
      }
      await sleep(clock, RETRY_MS, signal);
    }
  }

  async #followConfigs(): Promise<void> {
    const { machine, clock, controllers } = this.#options;
    const { signal } = this.#abort;
    const onSilence = (error: KvError) => this.#silence.note(error);
    while (!signal.aborted) {
      if (await this.#findsItsStore(onSilence)) {
        const from = machine.ownership.config.num + 1;
        for await (const config of controllers.watch({ from, onSilence, signal })) {
          if (!await this.#enter(config)) break;
        }
        if (!signal.aborted) await sleep(clock, RETRY_MS, signal);
      } else if (!signal.aborted) await sleep(clock, FOREIGN_RETRY_MS, signal);
    }
  }

  /**
   * Whether the controllers are those of this group's store, and mean this group by
   * its number. Looks at their latest configuration: another store may not have
   * come as far as the next one this group needs, which would then be waited for
   * without a word.
   */
  async #findsItsStore(onSilence: (error: KvError) => void): Promise<boolean> {
    const { machine, controllers, logger } = this.#options;
    const { signal } = this.#abort;
    const watch = { from: 0, latest: true, onSilence, signal };
    for await (const latest of controllers.watch(watch)) {
      const { storeId, num } = latest;
      const own = machine.ownership.config.storeId;
      if (!isForeign(own, storeId)) {
        // A new group has nothing to give in any of them, and older ones may not say whom they mean.
        return !this.#isNamesake(latest) || machine.ownership.config.num > 0;
      }
      logger.warn("Cannot follow the controllers: '-ctrlers' names those of another store", {
        store: own,
        theirs: storeId,
        num,
      });
      return false;
    }
    return false;
  }

  /**
   * Whether the controllers mean another group by this number; that too takes an
   * operator to put right.
   */
  #isNamesake(latest: Config): boolean {
    const { machine, gid, logger } = this.#options;
    const { identity } = machine.ownership;
    const named = identityOf(latest, gid);
    if (!isOtherGroup(identity, named)) return false;
    logger.warn(
      "Serves no shard: the controllers name another group of this number, which began on other disks",
      { gid, identity, named, num: latest.num },
    );
    return true;
  }

  /**
   * Enters a configuration once the group may. False if the configuration must be
   * asked for again.
   */
  async #enter(config: Config): Promise<boolean> {
    const { machine, log } = this.#context;
    while (!this.#abort.signal.aborted) {
      const changed = this.#changed.next();
      const { ownership } = machine;
      if (config.num <= ownership.config.num) return true;
      if (config.num > ownership.config.num + 1) return false;
      if (planMigration(ownership).nextConfig !== config.num) {
        await changed;
        continue;
      }
      try {
        const outcome = await proposeStep(log, encodeConfigStep(config));
        if (outcome === "done" || outcome === "already") continue;
        this.#options.logger.warn("Cannot enter a configuration", { num: config.num, outcome });
      } catch (error) {
        this.#report(error, `Cannot enter configuration ${config.num}`);
      }
      return false;
    }
    return false;
  }

  #run(task: () => Promise<void>): void {
    const running = task().catch((error) => {
      // Expected failures were reported where they happened, or came with the end.
      if (!this.#abort.signal.aborted) this.#options.onFatal(error);
    }).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Notes an expected failure; passes on what is none. */
  #report(error: unknown, what: string): void {
    if (this.#abort.signal.aborted) return;
    if (!(error instanceof KvError)) throw error;
    this.#options.logger.info(what, { code: error.code, error: error.message });
  }
}
