/** What it takes to know what a put replaces: `deno task bench:micro raft/node`. */
import { createPrng } from "../../../runtime/prng.ts";
import { KnownLengths } from "./known_lengths.ts";

const KEY_COUNT = 1 << 18;
const keys = Array.from({ length: KEY_COUNT }, (_, i) => Buffer.from(`########bench-key-${i}`));
const known = new KnownLengths({ secret: "1" });
for (const key of keys) known.set(known.hash(key), 100);
const prng = createPrng(1);

Deno.bench(`KnownLengths.get() of 256 among ${KEY_COUNT} keys`, () => {
  for (let i = 0; i < 256; i++) known.get(known.hash(keys[prng.below(KEY_COUNT)] as Buffer));
});

Deno.bench(`KnownLengths.update() of 256 among ${KEY_COUNT} keys`, () => {
  for (let i = 0; i < 256; i++) known.update(known.hash(keys[prng.below(KEY_COUNT)] as Buffer), 99);
});
