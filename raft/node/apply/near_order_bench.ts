/** What it costs to order what goes to the engine: `deno task bench:micro raft`. */
import { createPrng } from "../../../runtime/prng.ts";
import { nearOrder } from "./near_order.ts";

const RECORDS = 2_048;
const prng = createPrng(1);

function keyed(): { readonly key: Buffer } {
  const key = Buffer.alloc(24, 0x04);
  key.writeUInt16BE(prng.below(64), 1);
  key.write(String(prng.below(500_000)).padStart(16, "0"), 8);
  return { key };
}

const batches = Array.from({ length: 200 }, () => Array.from({ length: RECORDS }, keyed));
let next = 0;

Deno.bench(`nearOrder() of ${RECORDS} keys`, () => {
  nearOrder(batches[next++ % batches.length] ?? []);
});
