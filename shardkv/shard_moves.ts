/** The gainer's two duties for a shard on the move: fetch it, and have its last owner forget it. */
import { type PullShardResponse, ShardTransferServiceService } from "../proto/gen/shardkv.ts";
import type { CtrlerClerk } from "../client/ctrler_clerk.ts";
import type { Dialer } from "../rpc/service.ts";
import { KvError } from "../rpc/errors.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Prng } from "../runtime/prng.ts";
import { type Gid, isForeign, serversOf, type StoreId } from "../shardctrler/config.ts";
import { encodeInsert, encodeSettle, type StepOutcome } from "./commands.ts";
import { type GroupLog, proposeStep } from "./group_log.ts";
import { CHUNK_BYTES_DEFAULT, TRANSFER_TIMEOUT_MS } from "./limits.ts";
import type { ShardMachine } from "./machine.ts";
import type { PullAction, ReleaseAction } from "./migration_plan.ts";
import { ReplicaCaller } from "./replica_caller.ts";

/** Milliseconds before a duty that came to nothing is looked at again. */
const RETRY_MS = 500;

export interface MoveContext {
  /** The own group. */
  readonly gid: Gid;
  readonly log: GroupLog;
  readonly machine: ShardMachine;
  readonly dialer: Dialer;
  readonly controllers: Pick<CtrlerClerk, "query">;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  /** Aborted when this replica leads no more. */
  readonly signal: AbortSignal;
}

/**
 * Fetches the shard from where its copy here ends, proposing chunk after
 * chunk; the next one is on its way while one is being committed.
 *
 * @returns Once the shard is all here or the move is not this group's any more
 */
export async function pullShard(context: MoveContext, action: PullAction): Promise<void> {
  const { machine, clock, signal } = context;
  const caller = callerOf(context, action);
  let ahead: Promise<PullShardResponse> | undefined;
  while (!signal.aborted) {
    const cursor = machine.cursorOf(action.shard);
    if (cursor === undefined || machine.ownership.config.num !== action.configNum) return;
    const fetch = (after: Uint8Array) => fetchChunk(context, caller, action, after);
    const chunk = await (ahead ?? fetch(cursor));
    ahead = undefined;
    if (chunk.records.length === 0 && !chunk.done) {
      await sleep(clock, RETRY_MS, signal);
      continue;
    }
    if (!chunk.done) ahead = settled(fetch(chunk.cursor));
    const outcome = await proposeChunk(context, action, cursor, chunk);
    // Not where the copy ends any more: begin again from the cursor.
    if (outcome !== "done") ahead = undefined;
  }
}

/**
 * Has the last owner forget the shard and settles it in the own log.
 *
 * @returns Once it is settled or not this group's to settle any more
 */
export async function releaseShard(context: MoveContext, action: ReleaseAction): Promise<void> {
  const { configNum, shard } = action;
  const caller = callerOf(context, action);
  const request = { ...senderOf(context), configNum, shard };
  await caller.call(ShardTransferServiceService.dropShard, request);
  await propose(context, encodeSettle({ configNum, shard }));
}

/**
 * Calls the last owner, where the configuration of the move has it. Its members
 * may have changed since, in configurations that this group cannot enter yet.
 */
function callerOf(
  context: MoveContext,
  { from, servers }: PullAction | ReleaseAction,
): ReplicaCaller {
  const { controllers, machine, signal } = context;
  const newest = async () => {
    const latest = await controllers.query(-1, { timeoutMs: TRANSFER_TIMEOUT_MS, signal });
    // Another store may have a group of that number, and the controllers' addresses by mistake.
    const isOther = isForeign(machine.ownership.config.storeId, latest.storeId);
    return isOther ? [] : serversOf(latest, from);
  };
  return new ReplicaCaller({ ...context, servers, newest });
}

function fetchChunk(
  context: MoveContext,
  caller: ReplicaCaller,
  { configNum, shard }: PullAction,
  cursor: Uint8Array,
): Promise<PullShardResponse> {
  const request = {
    ...senderOf(context),
    configNum,
    shard,
    cursor: Buffer.from(cursor),
    bytesMax: CHUNK_BYTES_DEFAULT,
  };
  return caller.call(ShardTransferServiceService.pullShard, request);
}

/** Who asks: the source answers the group alone that its configuration names. */
function senderOf({ machine, gid }: MoveContext): { storeId: StoreId; gid: Gid } {
  return { storeId: machine.ownership.config.storeId, gid };
}

function proposeChunk(
  context: MoveContext,
  { configNum, shard }: PullAction,
  cursor: Uint8Array,
  chunk: PullShardResponse,
): Promise<StepOutcome> {
  const payload = encodeInsert({
    configNum,
    shard,
    cursorBefore: Buffer.from(cursor),
    records: chunk.records,
    cursorAfter: chunk.cursor,
    done: chunk.done,
  });
  return propose(context, payload);
}

/** Proposes, again and again while the log is only busy. */
async function propose(
  { log, clock, signal }: MoveContext,
  payload: Uint8Array,
): Promise<StepOutcome> {
  for (;;) {
    try {
      return await proposeStep(log, payload);
    } catch (error) {
      if (KvError.from(error).code !== "OVERLOADED") throw error;
    }
    await sleep(clock, RETRY_MS, signal);
  }
}

/** A promise that may be left unused: its failure is then nobody's business. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
