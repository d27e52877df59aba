/** A group enters the next configuration: what this makes of each of its shards. */
import {
  type Config,
  type Gid,
  type GroupIdentity,
  holderOf,
  identityOf,
  isForeign,
  isOtherGroup,
  NO_GROUP,
  NO_IDENTITY,
  SHARDS_MAX,
} from "../../shardctrler/configuration/config.ts";
import type { StepOutcome } from "./commands.ts";
import type { GroupState } from "./group_state.ts";
import { emptyShard, type Shard } from "./shard_record.ts";
import { isInBetween, type ShardStatus } from "./shard_status.ts";

/** Gives a group that has not been in any configuration its identity. */
export function applyBirth(state: GroupState, identity: GroupIdentity): StepOutcome {
  if (state.identity !== NO_IDENTITY || state.config.num > 0) return "already";
  state.identity = identity;
  state.changed.identity = true;
  state.version++;
  return "done";
}

/**
 * Enters the configuration after the current one, unless a shard is still on the
 * move; a configuration with any other number changes nothing. The first one
 * decides for good which store the group belongs to. A configuration may name
 * another group under this number, an earlier or a later one: this group then has
 * no shards in it.
 */
export function applyConfig(state: GroupState, config: Config): StepOutcome {
  const current = state.config;
  if (isForeign(current.storeId, config.storeId)) return "foreign";
  if (config.num <= current.num) return "already";
  if (config.num > current.num + 1) return "notReady";
  for (const shard of state.shards.values()) {
    if (isInBetween(shard.status)) return "notReady";
  }
  const isMeant = !isOtherGroup(state.identity, identityOf(config, state.gid));
  if (!isSuccessor(state, config, isMeant)) return "refused";
  config.shards.forEach((owner, number) => {
    const shard = state.shards.get(number);
    if (owner !== state.gid || !isMeant) {
      if (shard !== undefined) change(state, shard, afterLoss(shard, owner));
    } else if (shard !== undefined) {
      // Nobody else had it since: what is here is still all there is.
      change(state, shard, "Serving");
    } else {
      gain(state, config.num, number, holderOf(current, number) === NO_GROUP);
    }
  });
  state.previous = current;
  state.config = config;
  state.changed.config = true;
  state.version++;
  return "done";
}

/**
 * Whether the group can enter the configuration: the number of shards is the same
 * as ever, and the group has all the shards that the configurations say it holds.
 */
function isSuccessor(state: GroupState, config: Config, isMeant: boolean): boolean {
  const current = state.config;
  const count = config.shards.length;
  if (count < 1 || count > SHARDS_MAX) return false;
  if (current.num > 0 && count !== current.shards.length) return false;
  return !isMeant ||
    config.shards.every((owner, number) =>
      owner !== state.gid || state.shards.has(number) || holderOf(current, number) !== state.gid
    );
}

/**
 * The status of a shard that goes to `owner`. A shard that was frozen is not served
 * again on its way.
 */
function afterLoss({ status }: Shard, owner: Gid): ShardStatus {
  if (owner === NO_GROUP) return "Frozen";
  return status === "Frozen" ? "BePulling" : "Leaving";
}

function gain(state: GroupState, configNum: number, number: number, isNew: boolean): void {
  const shard = emptyShard(number, configNum, isNew ? "Serving" : "Pulling");
  state.shards.set(number, shard);
  state.changed.shards.add(shard);
}

function change(state: GroupState, shard: Shard, status: ShardStatus): void {
  if (shard.status === status) return;
  shard.status = status;
  state.changed.shards.add(shard);
}
