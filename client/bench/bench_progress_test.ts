import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { ProgressBar, progressLine } from "./bench_progress.ts";

Deno.test("progressLine() fills up with the requests, or with the time if that ends first", () => {
  const half = { done: 500, elapsedMs: 250, requests: 1_000, durationMs: undefined };
  assertEquals(
    progressLine(half),
    "[###############...............]  50 %  500/1000 requests  2000 req/s",
  );
  assertEquals(
    progressLine({ ...half, requests: undefined, durationMs: 250 }),
    "[##############################] 100 %  500 requests  2000 req/s",
  );
  assertEquals(
    progressLine({ done: 0, elapsedMs: 0, requests: 10, durationMs: 1_000 }),
    "[..............................]   0 %  0/10 requests  0 req/s",
  );
});

Deno.test("ProgressBar draws over itself as time goes by, and leaves an empty line", async () => {
  const clock = new VirtualClock();
  const written: string[] = [];
  let done = 0;
  const bar = new ProgressBar({
    clock,
    write: (text) => void written.push(text),
    requests: 10,
    durationMs: undefined,
    done: () => done,
  });
  done = 5;
  await clock.advance(200);
  bar.close();
  await clock.advance(1_000);
  const wipe = "\r\x1b[2K";
  assertEquals(written.map((text) => text.startsWith(wipe)), [true, true, true]);
  assertEquals(written.map((text) => / (\d+)\/10 /.exec(text)?.[1]), ["0", "5", undefined]);
  assertEquals(written.at(-1), wipe);
});
