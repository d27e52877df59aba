import { assert, assertNotEquals } from "@std/assert";
import { thisProcess } from "./host_process.ts";
import { createPrng, randomSeed } from "./prng.ts";

Deno.test("thisProcess() has a new id at every start and tells what the process has used so far", () => {
  const one = thisProcess(createPrng(randomSeed()));
  const other = thisProcess(createPrng(randomSeed()));
  assertNotEquals(one.startId, other.startId);
  const before = one.usage();
  assert(before.heapBytes > 0 && before.memoryBytes >= before.heapBytes);
  let sum = 0;
  while (one.usage().cpuUs === before.cpuUs) sum += Math.sqrt(sum + 1);
  assert(one.usage().cpuUs > before.cpuUs);
});
