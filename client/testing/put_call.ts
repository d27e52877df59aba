/** Calls that nobody waits for; for tests of what carries them. */
import { WriteOp } from "../../proto/gen/shardkv.ts";
import { Command, PendingCall } from "../calls/pending_call.ts";

export function putCall(key: string): PendingCall {
  const completion = { resolve: () => {}, reject: () => {} };
  return new PendingCall(new Command(WriteOp.WRITE_OP_PUT, Buffer.from(key)), completion);
}
