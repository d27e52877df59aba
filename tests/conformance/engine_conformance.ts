/** What every storage engine must do; each engine runs the same suite. */
import type { EngineFixture, EngineTest } from "./engine_fixture.ts";
import { testModel } from "./engine_model.ts";
import { testGetMany, testIterators, testPoints, testRanges } from "./engine_reads.ts";
import { testClear, testLifecycle, testWrites } from "./engine_writes.ts";

/**
 * Registers the tests of one engine.
 *
 * @param name The engine's, put before each test's name
 * @param open Makes an engine on fresh storage
 */
export function testEngineConformance(name: string, open: () => Promise<EngineFixture>): void {
  const test: EngineTest = (what, body) => {
    Deno.test(`${name} ${what}`, async () => {
      const fixture = await open();
      try {
        await body(fixture.engine, fixture);
      } finally {
        await fixture.dispose();
      }
    });
  };
  testPoints(test);
  testGetMany(test);
  testRanges(test);
  testIterators(test);
  testWrites(test);
  testClear(test);
  testLifecycle(test);
  testModel(test);
}
