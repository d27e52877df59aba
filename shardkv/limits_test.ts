import { assert } from "@std/assert";
import { PROPOSAL_BYTES_MAX } from "../raft/node/requests/proposals.ts";
import { REQUEST_BYTES_MAX, VALUE_BYTES_CEILING } from "./limits.ts";
import { encodeWrites } from "./machine/commands.ts";

Deno.test("the largest request that is taken fits into one proposal", () => {
  const command = encodeWrites(Buffer.alloc(REQUEST_BYTES_MAX), VALUE_BYTES_CEILING);
  assert(command.length <= PROPOSAL_BYTES_MAX, `${command.length} bytes`);
});
