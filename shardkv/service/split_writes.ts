/**
 * Splits batches of writes so that replicas need not hold too many values in memory
 * to apply one.
 */
import { type Result, WriteBatch, type WriteCommand } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import { asBuffer } from "../../runtime/buffers.ts";
import { readsValue } from "../machine/commands.ts";

/**
 * The same commands in as many batches as need be, in their order.
 *
 * @param writes An encoded WriteBatch that was checked
 * @param valuesMax Commands of one batch that may read the value of their key, 1 or more
 */
export function splitWrites(writes: Buffer, valuesMax: number): Buffer[] {
  const batch = WriteBatch.decode(writes);
  const parts: WriteCommand[][] = [];
  let part: WriteCommand[] = [];
  let values = 0;
  for (const command of batch.commands) {
    const reads = readsValue(command.op) ? 1 : 0;
    if (values + reads > valuesMax) {
      parts.push(part);
      part = [];
      values = 0;
    }
    part.push(command);
    values += reads;
  }
  parts.push(part);
  return parts.map((commands) => asBuffer(WriteBatch.encode({ ...batch, commands }).finish()));
}

/**
 * What became of all parts, as if they had been one batch.
 *
 * @throws {KvError} If one has failed: with `maybe` unless none can have taken effect
 */
export function joinResults(parts: readonly PromiseSettledResult<Result[]>[]): Result[] {
  const errors = parts.flatMap((part) =>
    part.status === "rejected" ? [KvError.from(part.reason)] : []
  );
  const [error] = errors;
  if (error === undefined) {
    return parts.flatMap((part) => part.status === "fulfilled" ? part.value : []);
  }
  const maybe = errors.length < parts.length || errors.some((each) => each.maybe);
  if (!maybe || error.maybe) throw error;
  const { message, leader } = error;
  throw new KvError("LEADERSHIP_LOST", `${message}; other writes of the request were executed`, {
    cause: error,
    leader,
  });
}
