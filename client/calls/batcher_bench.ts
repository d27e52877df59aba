/** What a clerk does to calls before they leave: `deno task bench:micro client`. */
import { KvServiceService, WriteOp } from "../../proto/gen/shardkv.ts";
import { encodeBatch, takeBatch } from "./batcher.ts";
import { CallQueue } from "./call_queue.ts";
import { Command, PendingCall } from "./pending_call.ts";
import { Session } from "./session.ts";

const CALLS = 256;
const VALUE = Buffer.alloc(100, 7);
const keys = Array.from({ length: CALLS }, (_, i) => Buffer.from(`bench-key-${i}`));
const NOW = { steady: 1, wall: 1 };
const completion = { resolve: () => {}, reject: () => {} };

function fill(op: WriteOp): CallQueue {
  const queue = new CallQueue();
  for (const key of keys) queue.push(new PendingCall(new Command(op, key, VALUE), completion));
  return queue;
}

for (
  const [name, op] of [["put", WriteOp.WRITE_OP_PUT], [
    "get",
    WriteOp.WRITE_OP_UNSPECIFIED,
  ]] as const
) {
  const session = new Session("12345678901234567890");
  Deno.bench(`a batch of ${CALLS} ${name}s: taken, encoded, answered`, () => {
    const batch = takeBatch(fill(op), session, NOW);
    if (batch === undefined) throw new Error("There is no batch");
    KvServiceService.stream.requestSerialize(encodeBatch(1, batch, session, NOW));
    for (const { sequence } of batch.writes) session.answered(sequence);
  });
}
