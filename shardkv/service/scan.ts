/**
 * Pages of key ranges over some of the group's shards: a merge of the shards'
 * own key order. A page is not a snapshot: each pair is as it was at some
 * moment of the call.
 */
import type { ScanRequest, ScanResponse, ShardPair } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { GET_SLICE_KEYS, SCAN_BYTES_MAX, SCAN_PAIRS_MAX, SCAN_READS_MAX } from "../limits.ts";
import type { ShardMachine } from "../machine/machine.ts";
import { type HeldShard, refusalOf } from "../machine/ownership.ts";
import { boundedMap } from "./bounded_map.ts";
import { CursorHeap } from "./cursor_heap.ts";
import { assertStillLeader, isSameStay, type ReadContext } from "./kv_reads.ts";
import { type PlaceContext, placesOf } from "./places.ts";
import type { Caller } from "./read_budget.ts";
import { ShardCursor } from "./shard_cursor.ts";

export interface ScanContext extends ReadContext, PlaceContext {
  readonly machine: ShardMachine;
}

/**
 * One page from `start` on; or where the shards are that are not served here,
 * if the group knows that of all of them.
 *
 * @throws {KvError} NOT_LEADER, OVERLOADED, UNAVAILABLE; WRONG_GROUP or NOT_READY
 *   if one of the shards is not served here, before or after the read
 */
export async function scanPage(
  context: ScanContext,
  request: ScanRequest,
  caller: Caller,
): Promise<ScanResponse> {
  const { log, machine, reads } = context;
  await log.readBarrier();
  const { term } = log.status();
  const elsewhere = shardsElsewhere(context, request.shards);
  if (elsewhere !== undefined) {
    assertStillLeader(log, term);
    return elsewhere;
  }
  const shards = servedShards(context, request.shards);
  const limit = Math.min(request.limit || SCAN_PAIRS_MAX, SCAN_PAIRS_MAX);
  const cursors = openCursors(context, request, shards, limit);
  const page = await reads.run(GET_SLICE_KEYS, async () => {
    await boundedMap(cursors, SCAN_READS_MAX, (cursor) => cursor.fill());
    return await merge(cursors, limit);
  }, caller);
  const after = machine.ownership;
  for (const shard of shards) {
    if (!isSameStay(shard, after)) throw notServed("WRONG_GROUP", shard.shard);
  }
  assertStillLeader(log, term);
  return { ...page, places: [], configNum: machine.ownership.config.num };
}

/** Undefined if all shards are served here, or of one nothing is known. */
function shardsElsewhere(
  context: ScanContext,
  numbers: readonly number[],
): ScanResponse | undefined {
  const { config, shards } = context.machine.ownership;
  const refused = new Set(numbers.filter((n) => refusalOf(shards.get(n)) !== undefined));
  const places = placesOf(context, refused);
  if (places.length === 0 || places.length < refused.size) return undefined;
  return { pairs: [], more: false, places, configNum: config.num };
}

function servedShards({ machine }: ReadContext, numbers: readonly number[]): HeldShard[] {
  const { shards } = machine.ownership;
  return [...new Set(numbers)].map((number) => {
    const held = shards.get(number);
    const refusal = refusalOf(held);
    if (held === undefined || refusal !== undefined) {
      throw notServed(refusal ?? "WRONG_GROUP", number);
    }
    return held;
  });
}

function notServed(code: "WRONG_GROUP" | "NOT_READY", shard: number): KvError {
  const why = code === "NOT_READY" ? "is on its way to this group" : "is not served by this group";
  return new KvError(code, `Cannot scan shard ${shard}: it ${why}`);
}

function openCursors(
  { log }: ReadContext,
  request: ScanRequest,
  shards: readonly HeldShard[],
  limit: number,
): ShardCursor[] {
  const end = request.end.length === 0 ? undefined : request.end;
  return shards.map((shard) =>
    new ShardCursor({
      reader: log.reader,
      shard,
      start: request.start,
      end,
      // What a fair share of the page takes, and a little more for uneven shards.
      wanted: Math.ceil(limit / shards.length) + 1,
      bytesMax: SCAN_BYTES_MAX / shards.length,
      keysOnly: request.keysOnly,
    })
  );
}

/** Takes the smallest of the cursors' heads until the page is full. */
async function merge(
  cursors: readonly ShardCursor[],
  limit: number,
): Promise<Pick<ScanResponse, "pairs" | "more">> {
  const heads = new CursorHeap(cursors);
  const pairs: ShardPair[] = [];
  let bytes = 0;
  for (let cursor = heads.top; cursor?.head !== undefined; cursor = heads.top) {
    const { key, value } = cursor.head;
    bytes += key.length + value.length;
    if (pairs.length >= limit || (pairs.length > 0 && bytes > SCAN_BYTES_MAX)) {
      return { pairs, more: true };
    }
    pairs.push({ key, value });
    if (!cursor.advance()) await cursor.fill();
    heads.sinkTop();
  }
  return { pairs, more: false };
}
