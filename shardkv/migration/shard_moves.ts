/** The gainer's two duties for a shard on the move: fetch it, and have its last owner forget it. */
import type { ConfigSource } from "../../client/calls/routing.ts";
import {
  type FreezeShardRequest,
  type PullShardResponse,
  ShardTransferServiceService,
} from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { backoffMs } from "../../rpc/retry.ts";
import type { Dialer } from "../../rpc/service.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Prng } from "../../runtime/prng.ts";
import {
  type Gid,
  identityOf,
  isForeign,
  isOtherGroup,
  serversOf,
  type StoreId,
} from "../../shardctrler/configuration/config.ts";
import { type GroupLog, proposeStep } from "../group_log.ts";
import { type GroupLimits, TRANSFER_TIMEOUT_MS } from "../limits.ts";
import { encodeInsert, encodeSettle, type StepOutcome } from "../machine/commands.ts";
import type { ShardMachine } from "../machine/machine.ts";
import type { Arrivals } from "./arrivals.ts";
import { CatchUp } from "./catch_up.ts";
import { passMove } from "./failpoints.ts";
import type { PullAction, ReleaseAction } from "./migration_plan.ts";
import type { MoveProgress } from "./move_progress.ts";
import { ReplicaCaller } from "./replica_caller.ts";

export interface MoveContext {
  /** The own group. */
  readonly gid: Gid;
  readonly log: GroupLog;
  readonly machine: ShardMachine;
  readonly dialer: Dialer;
  readonly controllers: ConfigSource;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly logger: Logger;
  readonly limits: Pick<GroupLimits, "chunkBytes">;
  readonly progress: MoveProgress;
  /** Whoever waits here for the shard. */
  readonly arrivals: Pick<Arrivals, "expect" | "proposed" | "end">;
  /** Aborted when this replica leads no more. */
  readonly signal: AbortSignal;
}

/**
 * Fetches the shard from where its copy here ends, proposing chunk after
 * chunk; the next one is on its way while one is being committed. Has its last
 * owner freeze it once little is left, and fetches that.
 *
 * @returns Once the shard is all here or the move is not this group's any more
 */
export async function pullShard(context: MoveContext, action: PullAction): Promise<void> {
  try {
    await copyShard(context, action);
  } finally {
    context.arrivals.end(action.shard);
  }
}

async function copyShard(context: MoveContext, action: PullAction): Promise<void> {
  const { machine, clock, prng, signal, progress } = context;
  const { shard, configNum } = action;
  const caller = callerOf(context, action);
  const catchUp = new CatchUp();
  let ahead: Promise<PullShardResponse> | undefined;
  let waits = 0;
  while (!signal.aborted) {
    const cursor = machine.cursorOf(shard);
    if (cursor === undefined || machine.ownership.config.num !== configNum) return;
    const fetch = (after: Uint8Array) => {
      return fetchChunk(context, caller, action, after, catchUp.brakeMs);
    };
    const chunk = await (ahead ?? fetch(cursor));
    ahead = undefined;
    progress.noteChunk(shard, chunk);
    const isNear = !chunk.done && catchUp.note(cursor, chunk);
    if (chunk.done || !chunk.cursor.equals(cursor)) {
      waits = 0;
      if (!chunk.done && !isNear) ahead = settled(fetch(chunk.cursor));
      const outcome = await proposeChunk(context, action, cursor, chunk);
      // Not where the copy ends any more: begin again from the cursor.
      if (outcome === "already") ahead = undefined;
      else if (outcome !== "done") throw refused(action, outcome);
      else if (isNear) ahead = settled(freeze(context, caller, action, chunk.cursor));
    } else {
      if (waits++ > 0) await sleep(clock, backoffMs(waits - 2, prng), signal);
      if (isNear) ahead = settled(freeze(context, caller, action, cursor));
    }
  }
}

function refused({ shard, configNum }: PullAction, outcome: StepOutcome): KvError {
  return new KvError(
    "INTERNAL",
    `Cannot take in records of shard ${shard} in configuration ${configNum}: the log ` +
      `answered '${outcome}'`,
  );
}

/**
 * Has the last owner stop serving the shard; harmless if it has already.
 *
 * @returns The records that follow the cursor from then on
 */
async function freeze(
  context: MoveContext,
  caller: ReplicaCaller,
  action: PullAction,
  cursor: Uint8Array,
): Promise<PullShardResponse> {
  context.progress.noteHandOver(action.shard);
  context.arrivals.expect(action.shard);
  await passMove("move/beforeFreeze", context.gid);
  const request = requestOf(context, action, cursor);
  const chunk = await caller.call(ShardTransferServiceService.freezeShard, request);
  await passMove("move/afterFreeze", context.gid);
  return chunk;
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
  await passMove("move/beforeDrop", context.gid);
  await caller.call(ShardTransferServiceService.dropShard, request);
  await passMove("move/afterDrop", context.gid);
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
    const { config, previous } = machine.ownership;
    // Another store may have a group of that number, and the controllers' addresses by mistake.
    const isOther = isForeign(config.storeId, latest.storeId) ||
      isOtherGroup(identityOf(previous, from), identityOf(latest, from));
    return isOther ? [] : serversOf(latest, from);
  };
  return new ReplicaCaller({ ...context, servers, newest });
}

async function fetchChunk(
  context: MoveContext,
  caller: ReplicaCaller,
  action: PullAction,
  cursor: Uint8Array,
  brakeMs: number,
): Promise<PullShardResponse> {
  const request = { ...requestOf(context, action, cursor), brakeMs };
  await passMove("move/beforePull", context.gid);
  const chunk = await caller.call(ShardTransferServiceService.pullShard, request);
  await passMove("move/afterPull", context.gid);
  return chunk;
}

function requestOf(
  context: MoveContext,
  { configNum, shard }: PullAction,
  cursor: Uint8Array,
): FreezeShardRequest {
  const bytesMax = context.limits.chunkBytes;
  return { ...senderOf(context), configNum, shard, cursor: Buffer.from(cursor), bytesMax };
}

/** Who asks: the source answers the group alone that its configuration names. */
function senderOf({ machine, gid }: MoveContext): { storeId: StoreId; gid: Gid } {
  return { storeId: machine.ownership.config.storeId, gid };
}

async function proposeChunk(
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
  const proposing = propose(context, payload);
  if (chunk.done) context.arrivals.proposed(shard);
  const outcome = await proposing;
  await passMove("move/afterInsert", context.gid);
  return outcome;
}

/** Proposes, again and again while the log is only busy. */
async function propose(
  { log, clock, prng, signal }: MoveContext,
  payload: Uint8Array,
): Promise<StepOutcome> {
  for (let tries = 0;; tries++) {
    try {
      return await proposeStep(log, payload);
    } catch (error) {
      if (KvError.from(error).code !== "OVERLOADED") throw error;
    }
    await sleep(clock, backoffMs(tries, prng), signal);
  }
}

/** The same promise, which may be left unused: if it fails then, that is no unhandled rejection. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
