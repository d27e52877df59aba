import { assertEquals } from "@std/assert";
import { soakComplaints, soakMemory, type SoakSample } from "./soak.ts";

function samples(...mebibytes: readonly number[]): SoakSample[] {
  return mebibytes.map((each) => ({
    requests: 1,
    perSecond: 1,
    p99Ms: 1,
    residentBytes: each << 20,
  }));
}

Deno.test("soakMemory() leaves the warm-up out and compares the largest of both halves", () => {
  const { before, after } = soakMemory(samples(1, 900, 50, 60, 55, 51, 50, 58, 57, 50));
  assertEquals([before >> 20, after >> 20], [60, 58]);
});

Deno.test("soakComplaints() lets heaps breathe and objects to growth", () => {
  assertEquals(soakComplaints(samples(10, 50, 100, 100, 104, 108, 110)), []);
  assertEquals(soakComplaints(samples(10, 50, 100, 100, 104, 108, 115)).length, 1);
  assertEquals(soakComplaints(samples(10)), ["The soak was too short to tell"]);
});
