/** Chooses the calls that go into the next batch, and encodes it. */
import { type BatchRequest, WriteBatch } from "../../proto/gen/shardkv.ts";
import { asBuffer } from "../../runtime/buffers.ts";
import type { CallQueue } from "./call_queue.ts";
import { ageOf, type Moment } from "./moment.ts";
import type { PendingCall } from "./pending_call.ts";
import type { Session } from "./session.ts";

/** Most commands in one batch: beyond it a message gains nothing and its first command waits. */
export const BATCH_COMMANDS_MAX = 512;
/** Most bytes in one batch, unless a single command has more; far below the 4 MiB of a message. */
const BATCH_BYTES_MAX = 1_048_576;

/** Calls that travel together. */
export interface Batch {
  /** Answered by `writeResults`, index by index. */
  readonly writes: readonly PendingCall[];
  /** Answered by `getResults`, index by index. */
  readonly reads: readonly PendingCall[];
}

/**
 * Takes the next batch from the queue and gives its new writes their sequence
 * numbers.
 *
 * @param readBytes How large the value of a read is likely to be
 * @returns undefined if nothing waits, or if the next call is a write and the
 *   session's window is full
 */
export function takeBatch(
  queue: CallQueue,
  session: Session,
  now: Moment,
  readBytes = 0,
): Batch | undefined {
  const writes: PendingCall[] = [];
  const reads: PendingCall[] = [];
  let bytes = 0;
  let count = 0;
  for (let call = queue.peek(); call !== undefined; call = queue.peek()) {
    // Answers have to fit into a message, too.
    const cost = call.isWrite ? call.bytes : call.bytes + readBytes;
    if (count === BATCH_COMMANDS_MAX || (count > 0 && bytes + cost > BATCH_BYTES_MAX)) break;
    if (call.isWrite && call.sequence === 0) {
      const sequence = session.issue();
      if (sequence === undefined) break;
      call.sequence = sequence;
    }
    queue.shift();
    call.attempts++;
    call.underWay = true;
    call.firstSentAt ??= now;
    (call.isWrite ? writes : reads).push(call);
    bytes += cost;
    count++;
  }
  return count === 0 ? undefined : { writes, reads };
}

/**
 * Takes the sequence number back from a write that no attempt can have carried out;
 * it gets a new one when it is sent again. Otherwise a write that waits long for
 * its shard or its group would hold up the session for all others. A write that may
 * have been carried out keeps its number, by which servers recognise it.
 */
export function takeNumberBack(call: PendingCall, session: Session): void {
  if (call.sequence === 0 || call.maybe || call.settled) return;
  session.answered(call.sequence);
  call.sequence = 0;
  call.firstSentAt = undefined;
}

/** The message for a batch. */
export function encodeBatch(
  id: number,
  batch: Batch,
  session: Session,
  now: Moment,
): BatchRequest {
  const { writes, reads } = batch;
  return {
    id,
    writes: writes.length === 0 ? Buffer.alloc(0) : encodeWrites(writes, session),
    getKeys: reads.map((call) => call.key),
    ageMs: oldestAge(writes, now),
    anyReplica: false,
  };
}

function encodeWrites(writes: readonly PendingCall[], session: Session): Buffer {
  const bytes = WriteBatch.encode({
    clientId: session.clientId,
    lowestUnanswered: session.lowestUnanswered,
    commands: writes as PendingCall[],
  }).finish();
  return asBuffer(bytes);
}

function oldestAge(writes: readonly PendingCall[], now: Moment): number {
  let oldest = 0;
  for (const { firstSentAt } of writes) {
    if (firstSentAt !== undefined) oldest = Math.max(oldest, ageOf(firstSentAt, now));
  }
  return Math.ceil(oldest);
}

/** All calls of a batch, writes first. */
export function callsOf(batch: Batch): PendingCall[] {
  return batch.reads.length === 0 ? [...batch.writes] : [...batch.writes, ...batch.reads];
}
