import { assertEquals } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import {
  type EventStream,
  HIDDEN_MS_MAX,
  type LiveStatus,
  LiveStream,
  SILENCE_MS_MAX,
} from "./live_stream.ts";

const CONNECTING = 0;
const CLOSED = 2;

class FakeStream implements EventStream {
  readonly #listeners = new Map<string, (event: { readonly data?: unknown }) => void>();
  readyState = 1;
  closed = false;

  addEventListener(type: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.closed = true;
  }

  send(type: string, data: unknown): void {
    this.#listeners.get(type)?.({ data: JSON.stringify(data) });
  }

  fail(readyState: number): void {
    this.readyState = readyState;
    this.#listeners.get("error")?.({});
  }
}

function setUp() {
  const clock = new VirtualClock();
  const streams: FakeStream[] = [];
  const events: unknown[] = [];
  const statuses: LiveStatus[] = [];
  const live = new LiveStream({
    open() {
      const stream = new FakeStream();
      streams.push(stream);
      return stream;
    },
    clock,
    prng: createPrng(1),
    onSnapshot: (state) => events.push(["snapshot", state]),
    onDelta: (delta) => events.push(["delta", delta]),
    onStatus: (status) => statuses.push(status),
  });
  live.start();
  const last = () => streams.at(-1) ?? new FakeStream();
  return { clock, streams, events, live, last, status: () => statuses.at(-1) };
}

Deno.test("LiveStream hands on snapshots and deltas, and is live with the first", () => {
  const { last, events, status, live } = setUp();
  assertEquals(status(), { kind: "connecting" });
  last().send("snapshot", { a: 1 });
  last().send("delta", { b: 2 });
  assertEquals(events, [["snapshot", { a: 1 }], ["delta", { b: 2 }]]);
  assertEquals(status(), { kind: "live" });
  live.stop();
});

Deno.test("LiveStream says since when it is stale, and leaves a first retry to the browser", async () => {
  const { clock, streams, last, status, live } = setUp();
  const since = clock.wallTime();
  last().send("snapshot", {});
  await clock.advance(2000);
  last().fail(CONNECTING);
  assertEquals(status(), { kind: "stale", since });
  await clock.advance(5000);
  assertEquals(streams.length, 1);
  last().send("delta", {});
  assertEquals(status(), { kind: "live" });
  live.stop();
});

Deno.test("LiveStream comes back after growing waits when the stream is closed for good", async () => {
  const { clock, streams, last, live } = setUp();
  last().send("snapshot", {});
  const waits: number[] = [];
  for (let failure = 0; failure < 8; failure++) {
    last().fail(CLOSED);
    const before = clock.now();
    const opened = streams.length;
    while (streams.length === opened) await clock.advance(50);
    waits.push(clock.now() - before);
  }
  assertEquals(waits.every((wait) => wait >= 250 && wait <= 15_050), true, String(waits));
  assertEquals((waits[3] ?? 0) > (waits[0] ?? 0), true, String(waits));
  last().send("snapshot", {});
  last().fail(CLOSED);
  const opened = streams.length;
  await clock.advance(550);
  assertEquals(streams.length, opened + 1);
  live.stop();
});

Deno.test("LiveStream takes long silence for a loss", async () => {
  const { clock, streams, last, status, live } = setUp();
  const since = clock.wallTime();
  last().send("snapshot", {});
  await clock.advance(SILENCE_MS_MAX - 1);
  assertEquals(status(), { kind: "live" });
  await clock.advance(1001);
  assertEquals(status(), { kind: "stale", since });
  assertEquals(streams.length, 2);
  assertEquals(streams[0]?.closed, true);
  live.stop();
});

Deno.test("LiveStream rests while the page is hidden for long, and goes on when it is shown", async () => {
  const { clock, streams, last, status, live } = setUp();
  last().send("snapshot", {});
  live.setHidden(true);
  await clock.advance(10_000);
  live.setHidden(false);
  await clock.advance(4000);
  assertEquals(streams.length, 1, "A glance at another tab is not worth a new stream");
  live.setHidden(true);
  for (let at = 0; at < HIDDEN_MS_MAX; at += 5000) {
    last().send("delta", {});
    await clock.advance(5000);
  }
  assertEquals(status()?.kind, "paused");
  assertEquals(streams.at(-1)?.closed, true);
  await clock.advance(3_600_000);
  assertEquals(streams.length, 1);
  live.setHidden(false);
  assertEquals(streams.length, 2);
  live.stop();
});

Deno.test("LiveStream does not come back while hidden, whatever the stream did before", async () => {
  const { clock, streams, last, live } = setUp();
  last().send("snapshot", {});
  live.setHidden(true);
  await clock.advance(HIDDEN_MS_MAX);
  last().fail(CLOSED);
  await clock.advance(60_000);
  const resting = streams.length;
  await clock.advance(600_000);
  assertEquals(streams.length, resting);
  live.stop();
});

Deno.test("LiveStream.retryNow() does not wait, and what an old stream says is not heard", () => {
  const { streams, last, events, live } = setUp();
  last().send("snapshot", {});
  const old = last();
  live.retryNow();
  assertEquals(streams.length, 2);
  assertEquals(old.closed, true);
  old.send("delta", {});
  old.fail(CLOSED);
  assertEquals(events.length, 1);
  live.stop();
});

Deno.test("LiveStream.stop() leaves nothing behind", async () => {
  const { clock, streams, live } = setUp();
  live.setHidden(true);
  live.stop();
  assertEquals(clock.pending, 0);
  await clock.advance(100_000);
  assertEquals(streams.length, 1);
});
