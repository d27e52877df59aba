import { assert, assertEquals } from "@std/assert";
import {
  ControllerServiceService,
  type WatchRequest,
  type WatchResponse,
} from "../../proto/gen/shardctrler.ts";
import { KvError } from "../../rpc/errors.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { type ServerStream, stream, unary } from "../../rpc/service.ts";
import { sleep } from "../../runtime/clock.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { encodeConfig } from "../../shardctrler/configuration/config_codec.ts";
import { type Config, emptyConfig } from "../../shardctrler/configuration/config.ts";
import { type ConfigWatchOptions, watchConfigs } from "./config_watch.ts";

type Watch = ServerStream<WatchRequest, WatchResponse>;

const CONTROLLERS = ["a:1", "b:1", "c:1"];
const UNAVAILABLE = new KvError("UNAVAILABLE", "Nobody answers");

function configOf(num: number): Config {
  return { ...emptyConfig(1), num };
}

/** Controllers of which a test says what they answer, and what a watch of theirs yields. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly nums: number[] = [];
  readonly silences: string[] = [];
  /** When somebody was asked for a configuration. */
  readonly queries: number[] = [];
  /** Watches that are open. */
  open = 0;
  /** When a controller was asked whether it still answers. */
  readonly looks: number[] = [];
  /** Controllers whose processes stand still. */
  readonly still = new Set<string>();
  query: (num: number) => Promise<Config> = () => Promise.reject(UNAVAILABLE);
  readonly #stop = new AbortController();
  #done: Promise<void> = Promise.resolve();

  serve(address: string, handler: (watch: Watch) => Promise<void>): void {
    const counted = async (watch: Watch) => {
      this.open++;
      try {
        await handler(watch);
      } finally {
        this.open--;
      }
    };
    this.network.serve(address, [
      stream(ControllerServiceService.watch, counted),
      unary(ControllerServiceService.query, () => {
        this.looks.push(this.clock.now());
        if (this.still.has(address)) return new Promise(() => {});
        return Promise.resolve({ config: encodeConfig(configOf(0)) });
      }),
    ]);
  }

  /** Sends these, one for each request, and then nothing more. */
  serveNums(address: string, ...nums: number[]): void {
    this.serve(address, async (watch) => {
      const left = [...nums];
      for await (const _ of watch.requests) {
        const num = left.shift();
        if (num !== undefined) watch.send({ config: encodeConfig(configOf(num)) });
      }
    });
  }

  watch(options: Partial<ConfigWatchOptions> = {}): void {
    const watch = watchConfigs({
      dialer: this.network.dialer(),
      clock: this.clock,
      prng: createPrng(1),
      servers: CONTROLLERS.length,
      first: "a:1",
      after: (address) => CONTROLLERS[(CONTROLLERS.indexOf(address) + 1) % 3] ?? address,
      query: (num) => {
        this.queries.push(this.clock.now());
        return this.query(num);
      },
      from: 1,
      latest: false,
      onSilence: ({ code }) => this.silences.push(code),
      signal: this.#stop.signal,
      ...options,
    });
    const run = async () => {
      for await (const { num } of watch) this.nums.push(num);
    };
    this.#done = run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.clock.resolve(this.#done, 5_000);
    await this.clock.advance(0);
    assertEquals(this.open, 0, "no watch stays open");
    assertEquals(this.clock.pending, 0, "no timer is left");
  }
}

Deno.test("watchConfigs() turns to the next controller at once when one fails", async () => {
  const fixture = new Fixture();
  fixture.serveNums("b:1", 1, 2);
  fixture.watch();
  await fixture.clock.advance(10);
  assertEquals(fixture.nums, [1, 2]);
  await fixture.stop();
});

Deno.test("watchConfigs() leaves a controller that goes back in time or sends nonsense", async () => {
  const fixture = new Fixture();
  fixture.serveNums("a:1", 3, 2);
  fixture.serve("b:1", async (watch) => {
    const nonsense = { ...encodeConfig(configOf(4)), num: -7 };
    for await (const _ of watch.requests) watch.send({ config: nonsense });
  });
  fixture.serveNums("c:1", 4);
  fixture.watch({ from: 3 });
  await fixture.clock.advance(10);
  assertEquals(fixture.nums, [3, 4]);
  assertEquals(fixture.open, 1, "the others are left");
  await fixture.stop();
});

Deno.test("watchConfigs() leaves a controller that stands still", async () => {
  const fixture = new Fixture();
  fixture.serveNums("a:1", 1);
  fixture.serveNums("b:1", 2);
  fixture.watch();
  await fixture.clock.advance(60_000);
  assertEquals(fixture.nums, [1], "it stays where it is answered");
  fixture.still.add("a:1");
  await fixture.clock.advance(10_000);
  assertEquals(fixture.nums, [1, 2]);
  assertEquals(fixture.open, 1, "the other is left");
  await fixture.stop();
});

Deno.test("watchConfigs() asks a controller that it watches for no more than a sign of life", async () => {
  const fixture = new Fixture();
  fixture.serveNums("a:1", 1);
  fixture.watch();
  await fixture.clock.advance(16_000);
  assertEquals(fixture.looks, [5_000, 10_000, 15_000]);
  await fixture.stop();
});

Deno.test("watchConfigs() ends while it waits for a controller that stands still", async () => {
  const fixture = new Fixture();
  fixture.serveNums("a:1");
  fixture.still.add("a:1");
  fixture.watch();
  await fixture.clock.advance(6_000);
  assertEquals(fixture.looks.length, 1);
  await fixture.stop();
});

for (const latest of [false, true]) {
  const which = latest ? "the latest" : "all that are new";
  Deno.test(`watchConfigs() asks for ${which} now and then while nobody can be watched`, async () => {
    const fixture = new Fixture();
    let newest = 0;
    fixture.query = async (num) => {
      await sleep(fixture.clock, 1);
      return configOf(num < 0 ? newest : num);
    };
    fixture.watch({ latest });
    for (newest of [0, 3, 3, 5]) await fixture.clock.advance(5_000);
    assertEquals(fixture.nums, latest ? [3, 5] : [1, 2, 3, 4, 5]);
    assert(fixture.queries.length < 50, `it asked ${fixture.queries.length} times in 20 s`);
    await fixture.stop();
  });
}

Deno.test("watchConfigs() leaves no gap where a configuration cannot be had just now", async () => {
  const fixture = new Fixture();
  fixture.query = (num) => {
    const isLost = num === 2 && fixture.clock.now() < 5_000;
    return isLost ? Promise.reject(UNAVAILABLE) : Promise.resolve(configOf(num < 0 ? 3 : num));
  };
  fixture.watch();
  await fixture.clock.advance(4_000);
  assertEquals(fixture.nums, [1]);
  await fixture.clock.advance(4_000);
  assertEquals(fixture.nums, [1, 2, 3]);
  await fixture.stop();
});

Deno.test("watchConfigs() tells of silence each time that nobody answers, but not at its end", async () => {
  const fixture = new Fixture();
  const { promise, reject } = Promise.withResolvers<Config>();
  fixture.query = () => fixture.queries.length < 3 ? Promise.reject(UNAVAILABLE) : promise;
  fixture.watch();
  await fixture.clock.advance(5_000);
  assertEquals(fixture.silences, ["UNAVAILABLE", "UNAVAILABLE"]);
  const stopped = fixture.stop();
  reject(UNAVAILABLE);
  await stopped;
  assertEquals(fixture.silences.length, 2);
});
