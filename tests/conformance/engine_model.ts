/** Conformance: any sequence of steps leaves what it would leave in a sorted map. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Engine, KeyRange, KeyValue, Write } from "../../storage/engine.ts";
import { collect, type EngineTest, EVERYTHING } from "./engine_fixture.ts";

/** A step of the model test, on keys of a small space so that they often meet. */
type Step =
  | { readonly type: "write"; readonly batch: readonly Write[]; readonly sync: boolean }
  | { readonly type: "clear"; readonly range: KeyRange }
  | {
    readonly type: "scan";
    readonly range: KeyRange;
    readonly limit: number;
    readonly reverse: boolean;
  }
  | { readonly type: "reopen" };

const keyBytes = fc.constantFrom(0x00, 0x01, 0x61, 0x7e, 0x80, 0xff);
const arbitraryKey = fc.array(keyBytes, { minLength: 1, maxLength: 3 }).map((bytes) =>
  Buffer.from(bytes)
);
const arbitraryRange = fc.record({ start: arbitraryKey, end: arbitraryKey });
const arbitraryWrite: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("put" as const),
      key: arbitraryKey,
      value: fc.uint8Array({ maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("del" as const), key: arbitraryKey }) },
);
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("write" as const),
      batch: fc.array(arbitraryWrite, { maxLength: 8 }),
      sync: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("clear" as const), range: arbitraryRange }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("scan" as const),
      range: arbitraryRange,
      limit: fc.constantFrom(0, 1, 3, Infinity),
      reverse: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: "reopen" as const }) },
);

/** The slow oracle: hexadecimal text sorts as bytes do. */
type Model = Map<string, Uint8Array>;

function modelScan(model: Model, over: KeyRange): [string, Uint8Array][] {
  const [start, end] = [over.start, over.end].map((key) => Buffer.from(key).toString("hex"));
  return [...model].filter(([key]) => key >= `${start}` && key < `${end}`)
    .sort(([a], [b]) => a < b ? -1 : 1);
}

function hexPairs(pairs: readonly KeyValue[]): [string, string][] {
  return pairs.map(({ key, value }) => [key.toString("hex"), value.toString("hex")]);
}

function modelPairs(pairs: readonly [string, Uint8Array][]): [string, string][] {
  return pairs.map(([key, value]) => [key, Buffer.from(value).toString("hex")]);
}

function applyToModel(model: Model, batch: readonly Write[]): void {
  for (const write of batch) {
    const key = Buffer.from(write.key).toString("hex");
    if (write.type === "put") model.set(key, write.value);
    else model.delete(key);
  }
}

/** A property over random steps. */
export function testModel(test: EngineTest): void {
  test("behaves like a sorted map under any steps", async (_, fixture) => {
    let engine = await fixture.reopen();
    const property = fc.asyncProperty(fc.array(arbitraryStep, { maxLength: 12 }), async (steps) => {
      await engine.clearRange(EVERYTHING);
      const model: Model = new Map();
      for (const step of steps) {
        if (step.type === "reopen") engine = await fixture.reopen();
        else await runStep(engine, model, step);
      }
      const all = await collect(engine, EVERYTHING, 5);
      assertEquals(hexPairs(all), modelPairs(modelScan(model, EVERYTHING)));
      const values = await engine.getMany(all.map(({ key }) => key));
      assertEquals(values, all.map(({ value }) => value));
    });
    await fc.assert(property, { numRuns: 40, seed: 20_260_101 });
  });
}

async function runStep(
  engine: Engine,
  model: Model,
  step: Exclude<Step, { type: "reopen" }>,
): Promise<void> {
  switch (step.type) {
    case "write":
      await engine.write(step.batch, { sync: step.sync });
      applyToModel(model, step.batch);
      return;
    case "clear":
      await engine.clearRange(step.range);
      for (const [key] of modelScan(model, step.range)) model.delete(key);
      return;
    case "scan": {
      const { range: over, limit, reverse } = step;
      const expected = modelPairs(modelScan(model, over));
      if (reverse) expected.reverse();
      const found = await engine.scan(over, { limit, reverse });
      assertEquals(hexPairs(found), expected.slice(0, limit));
      return;
    }
  }
}
