import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkOutput, grpcFrame, LoadError, summarize } from "./h2load.ts";

const output = (failed: number, data: number) =>
  `requests: 100 total, 100 started, 100 done, ${100 - failed} succeeded, ${failed} failed, ` +
  `0 errored, 0 timeout\ntraffic: 6.1KB (6200) total, 2.1KB (2100) headers, 2KB (${data}) data\n`;

Deno.test("grpcFrame() puts the length before the message", () => {
  assertEquals([...grpcFrame(new Uint8Array([7, 8]))], [0, 0, 0, 0, 2, 7, 8]);
});

Deno.test("checkOutput() finds failures that HTTP takes for successes", () => {
  checkOutput(output(0, 900));
  assertThrows(() => checkOutput(output(0, 800)), LoadError, "800 bytes");
  assertThrows(() => checkOutput(output(1, 900)), LoadError, "1 failed");
  assertThrows(() => checkOutput("nothing of the kind"), LoadError);
});

Deno.test("summarize() reads how long each request took", () => {
  const log = Array.from({ length: 100 }, (_, i) => `17956${i}\t200\t${(i + 1) * 1_000}\n`).join(
    "",
  );
  const { requests, seconds, p50Ms, p99Ms } = summarize(log, { callers: 1, durationMs: 2_000 });
  assertEquals([requests, seconds], [100, 2]);
  // To within a bucket of the histogram.
  assert(p50Ms >= 50 && p50Ms < 51 && p99Ms >= 99 && p99Ms <= 100, `${p50Ms}, ${p99Ms}`);
});
