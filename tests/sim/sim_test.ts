import { assertEquals, assertNotEquals } from "@std/assert";
import { describeFailure } from "./failure.ts";
import { drawOptions, type Profile } from "./options.ts";
import { type SimResult, simulate } from "./simulation.ts";

async function run(seed: number, profile: Profile): Promise<SimResult> {
  const result = await simulate(drawOptions(seed, profile));
  if (result.failure !== undefined) {
    throw new Error(
      `${describeFailure(result.failure)}\n` +
        `Reproduce: deno task sim --seed ${seed} --runs 1 --profile ${profile}`,
    );
  }
  return result;
}

Deno.test("A small cluster under mild faults keeps every promise and gets well", async () => {
  for (const seed of [1, 2, 3]) {
    const { figures } = await run(seed, "lite");
    assertEquals(figures.commands > 100, true, `Seed ${seed} committed ${figures.commands}`);
  }
});

Deno.test("Clusters of every shape under every fault keep every promise and get well", async () => {
  for (const seed of [1, 2, 3, 9, 13, 34]) await run(seed, "swarm");
});

Deno.test("The same seed gives the same events, another seed gives others", async () => {
  const hashes = new Set<string>();
  for (const [seed, profile] of [[1, "lite"], [13, "swarm"], [29, "swarm"]] as const) {
    const first = await run(seed, profile);
    const second = await run(seed, profile);
    assertEquals(second.hash, first.hash, `Seed ${seed} of ${profile} is not deterministic`);
    assertEquals(second.figures, first.figures);
    hashes.add(first.hash);
  }
  assertNotEquals(hashes.size, 1);
});
