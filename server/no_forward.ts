/** How callers of eRaft's services say that their request must not be passed on to another server. */
import type { CallContext } from "../rpc/service.ts";

const NAME = "eraft-no-forward";
const VALUE = "1";

/** Goes with a request that is to be answered by the very server that gets it. */
export const NO_FORWARD_METADATA: Readonly<Record<string, string>> = { [NAME]: VALUE };

/** Whether a request may be passed on; by docs/compatibility.md no other value than 1 forbids it. */
export function mayForward(call: Pick<CallContext, "metadata">): boolean {
  return call.metadata(NAME) !== VALUE;
}
