/** Groups that come and go. */
import type { Gid } from "../../../shardctrler/configuration/config.ts";
import type { ShardStage } from "./shard_stage.ts";

/**
 * Lets groups join and leave, one at a time and in no order, until told to
 * stop; one of them is always in.
 *
 * @returns How many changes were made
 */
export async function reshuffle(
  stage: ShardStage,
  gids: readonly Gid[],
  isOver: () => boolean,
): Promise<number> {
  const { prng, store } = stage;
  // Where one message in ten is lost a move takes seconds.
  const pauseMs = stage.unreliable ? 1_500 : 150;
  let changes = 0;
  while (!isOver()) {
    const { groups } = await store.admin.query(-1, { timeoutMs: 100_000 });
    const movable = gids.filter((gid) => groups.size > 1 || !groups.has(gid));
    const gid = movable[prng.below(movable.length)] ?? 0;
    if (groups.has(gid)) await store.admin.leave([gid], { timeoutMs: 100_000 });
    else await store.admin.join(new Map([[gid, store.addresses(gid)]]), { timeoutMs: 100_000 });
    changes++;
    await stage.sleep(pauseMs + prng.below(2 * pauseMs));
  }
  return changes;
}
