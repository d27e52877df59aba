/** What a server's verdict on one command means to the caller. */
import { ResultCode } from "../../proto/gen/shardkv.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import type { PendingCall } from "./pending_call.ts";

/** The error a result code stands for, or undefined if the command was carried out. */
export function refusal(code: ResultCode, call: PendingCall, gid: Gid): KvError | undefined {
  switch (code) {
    case ResultCode.RESULT_OK:
    case ResultCode.RESULT_NO_KEY:
    case ResultCode.RESULT_MISMATCH:
      return undefined;
    case ResultCode.RESULT_WRONG_GROUP:
      return new KvError("WRONG_GROUP", `Group ${gid} does not serve the key's shard`);
    case ResultCode.RESULT_NOT_READY:
      return new KvError("NOT_READY", `The key's shard is on its way to group ${gid}`);
    case ResultCode.RESULT_TOO_MANY_SESSIONS:
      return new KvError("OVERLOADED", `Group ${gid} has no room for another session`);
    case ResultCode.RESULT_SESSION_EXPIRED:
      return new KvError("SESSION_EXPIRED", `Group ${gid} no longer remembers the session`);
    case ResultCode.RESULT_VALUE_TOO_LARGE:
      return new KvError("REFUSED", `Group ${gid} refuses a value this large`);
    case ResultCode.RESULT_INVALID:
      return new KvError("INVALID_ARGUMENT", `Group ${gid} finds the command invalid`);
    case ResultCode.RESULT_STALE_SEQUENCE:
      return new KvError(
        "INTERNAL",
        `Group ${gid} holds write ${call.sequence} to be answered already`,
      );
    default:
      return new KvError("INTERNAL", `Group ${gid} answered with an unknown result code ${code}`);
  }
}
