/**
 * Linearizable reads of keys. They write no log entry: the leader confirms once,
 * for all reads that come together, that it still leads.
 */
import type { Result } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { GroupLog } from "../group_log.ts";
import { RESPONSE_BYTES_MAX } from "../limits.ts";
import { userKey } from "../machine/machine_keys.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { type HeldShard, type Ownership, refusalOf, shardOfKey } from "../machine/ownership.ts";
import { plainResults, ResponseRoom, valueResult } from "../machine/results.ts";
import type { Caller, ReadBudget } from "./read_budget.ts";

/** What a read looks at. */
export interface ReadContext {
  readonly log: GroupLog;
  readonly machine: ShardMachine;
  readonly reads: ReadBudget;
}

/** Which keys, and who may answer. */
export interface ReadRequest {
  readonly getKeys: readonly Buffer[];
  /** A replica that does not lead may answer, after asking its leader. */
  readonly anyReplica: boolean;
}

/**
 * Reads keys as of some moment between call and answer, each for itself. Keys
 * past the bytes a response may have are answered NOT_READY: the caller asks
 * again for those.
 *
 * @param caller Nothing is read for who is gone before it has its turn
 * @throws {KvError} NOT_LEADER, OVERLOADED, UNAVAILABLE
 */
export async function readKeys(
  context: ReadContext,
  { getKeys: keys, anyReplica }: ReadRequest,
  caller?: Caller,
): Promise<Result[]> {
  await context.log.readBarrier(anyReplica ? "anywhere" : "onLeader");
  const { term } = context.log.status();
  const results = await context.reads.run(keys.length, () => readSlices(context, keys), caller);
  // A snapshot can replace what a follower reads, and both states are late enough.
  if (!anyReplica) assertStillLeader(context.log, term);
  return results;
}

/**
 * Checks that this replica has led without interruption since the read barrier: no
 * other leader can have been there, and no snapshot can have replaced what was
 * read.
 *
 * @throws {KvError} NOT_LEADER
 */
export function assertStillLeader(log: GroupLog, term: number): void {
  const status = log.status();
  if (status.role === "leader" && status.term === term) return;
  throw new KvError("NOT_LEADER", "Cannot answer the read: the leadership was lost meanwhile", {
    leader: status.leaderAddress,
  });
}

/** Whether a shard is in the same stay, and served, before and after a read. */
export function isSameStay(before: HeldShard, after: Ownership): boolean {
  const held = after.shards.get(before.shard);
  return held?.incarnation === before.incarnation && refusalOf(held) === undefined;
}

/** A slice after the other, until a response is full. */
async function readSlices(context: ReadContext, keys: readonly Buffer[]): Promise<Result[]> {
  const { reads } = context;
  const results: Result[] = [];
  const room = new ResponseRoom(RESPONSE_BYTES_MAX);
  while (results.length < keys.length && room.bytesLeft > 0) {
    const at = results.length;
    const end = at + reads.sliceKeys(room.bytesLeft);
    const slice = await readSlice(context, keys.slice(at, end));
    reads.saw(slice);
    results.push(...slice.map((result) => room.take(result)));
  }
  return results.concat(keys.slice(results.length).map(() => plainResults.NOT_READY));
}

async function readSlice(
  { log, machine }: ReadContext,
  keys: readonly Buffer[],
): Promise<Result[]> {
  const before = machine.ownership;
  const held = keys.map((key) => heldShard(before, key));
  const wanted: Buffer[] = [];
  held.forEach((shard, i) => {
    if (shard !== undefined && refusalOf(shard) === undefined) {
      wanted.push(userKey(shard, keys[i] as Buffer));
    }
  });
  const values = wanted.length === 0 ? [] : await log.reader.getMany(wanted);
  const after = machine.ownership;
  let next = 0;
  return held.map((shard) => {
    const refusal = refusalOf(shard);
    if (shard === undefined || refusal !== undefined) return plainResults[refusal ?? "WRONG_GROUP"];
    const value = values[next++];
    machine.operations.countRead(shard.shard);
    if (after !== before && !isSameStay(shard, after)) return plainResults.WRONG_GROUP;
    return value === undefined ? plainResults.NO_KEY : valueResult(value);
  });
}

function heldShard(ownership: Ownership, key: Buffer): HeldShard | undefined {
  const shard = shardOfKey(ownership, key);
  return shard === undefined ? undefined : ownership.shards.get(shard);
}
