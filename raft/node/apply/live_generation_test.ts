import { assertEquals } from "@std/assert";
import { generationRange, machineKey, machinePrefix } from "../../../storage/key_space.ts";
import { MemoryEngine } from "../../../storage/memory_engine.ts";
import { LiveGeneration } from "./live_generation.ts";

async function engineWith(values: readonly [generation: number, value: string][]) {
  const engine = new MemoryEngine();
  for (const [generation, value] of values) {
    const key = machineKey(machinePrefix(generation), Buffer.from("k"));
    await engine.write([{ type: "put", key, value: Buffer.from(value) }], { sync: true });
  }
  return engine;
}

Deno.test("LiveGeneration reads relative keys of its own generation only", async () => {
  const live = new LiveGeneration(await engineWith([[1, "one"], [2, "two"]]), 1);
  assertEquals(String(await live.get(Buffer.from("k"))), "one");
  const pairs = await live.scan(Buffer.from("a"), Buffer.from("z"));
  assertEquals(pairs.map(({ key, value }) => `${key}=${value}`), ["k=one"]);
});

Deno.test("LiveGeneration: a read under way during a switch answers from the new generation", async () => {
  const engine = await engineWith([[1, "one"], [2, "two"]]);
  const live = new LiveGeneration(engine, 1);
  const read = live.get(Buffer.from("k"));
  const switched = live.switchTo(2, async () => {
    await engine.clearRange(generationRange(1));
  });
  assertEquals(String(await read), "two");
  await switched;
});

Deno.test("LiveGeneration: readers wait until the machine has loaded, the machine does not", async () => {
  const live = new LiveGeneration(await engineWith([[1, "one"], [2, "two"]]), 1);
  const events: string[] = [];
  const { promise: loaded, resolve: finishLoading } = Promise.withResolvers<void>();
  const switched = live.switchTo(2, async (reader) => {
    events.push(`machine ${await reader.get(Buffer.from("k"))}`);
    await loaded;
    events.push("loaded");
  });
  const read = live.get(Buffer.from("k")).then((value) => events.push(`reader ${value}`));
  await Promise.resolve();
  finishLoading();
  await Promise.all([switched, read]);
  assertEquals(events, ["machine two", "loaded", "reader two"]);
});
