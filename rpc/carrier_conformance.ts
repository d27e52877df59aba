/** What every carrier must do, as tests; each carrier's `_test.ts` runs them against itself. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { type BatchRequest, type BatchResponse, KvServiceService } from "../proto/gen/shardkv.ts";
import { KvError } from "./errors.ts";
import { messageBytesMax } from "./limits.ts";
import {
  type Channel,
  type Dialer,
  type ServiceRoutes,
  stream,
  type StreamHandler,
  unary,
  type UnaryHandler,
} from "./service.ts";

/** A server and a client of it. */
export interface CarrierPair {
  readonly address: string;
  readonly dialer: Dialer;
  closeServer(): Promise<void>;
}

/** Starts a server with the routes and a dialer that can reach it. */
export type StartCarrier = (routes: ServiceRoutes) => Promise<CarrierPair>;

type Unary = UnaryHandler<BatchRequest, BatchResponse>;
type Stream = StreamHandler<BatchRequest, BatchResponse>;

/** Enough for an answer on a busy machine; a test that needs it all fails anyway. */
const patienceMs = 10_000;

const { execute, scan, stream: streamMethod } = KvServiceService;

/** Registers the suite under the carrier's name. */
export function testCarrier(name: string, start: StartCarrier): void {
  for (const [title, run] of [...unaryTests, ...streamTests, ...lifecycleTests]) {
    Deno.test(`${name} ${title}`, () => run(start));
  }
}

type ConformanceTest = readonly [title: string, run: (start: StartCarrier) => Promise<void>];

const unaryTests: ConformanceTest[] = [
  ["carries a request and its response", async (start) => {
    await withUnary(
      start,
      (request) => Promise.resolve(response(request.id + 1)),
      async (channel) => {
        const answer = await channel.unary(execute, request(41), { timeoutMs: patienceMs });
        assertEquals(answer.id, 42);
      },
    );
  }],
  ["shares nothing between caller and handler", async (start) => {
    let seen: Uint8Array = new Uint8Array();
    const handler: Unary = (request) => {
      seen = request.writes;
      return Promise.resolve(response(1));
    };
    await withUnary(start, handler, async (channel) => {
      const writes = Buffer.from([1, 2, 3]);
      await channel.unary(execute, { ...request(1), writes }, { timeoutMs: patienceMs });
      writes[0] = 9;
      assertEquals([...seen], [1, 2, 3]);
    });
  }],
  ["carries a KvError with its code, text and leader", async (start) => {
    const text = "Cannot write: this replica follows, “café” ✓";
    const handler: Unary = () =>
      Promise.reject(new KvError("NOT_LEADER", text, { leader: "10.0.0.7:6001" }));
    await withUnary(start, handler, async (channel) => {
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: patienceMs }));
      assertEquals([error.code, error.message, error.leader], [
        "NOT_LEADER",
        text,
        "10.0.0.7:6001",
      ]);
    });
  }],
  ["carries the text of an error that no header could hold", async (start) => {
    const text = `Cannot use "\ud800": ${"x".repeat(100_000)}`;
    const handler: Unary = () =>
      Promise.reject(new KvError("INVALID_ARGUMENT", text, { leader: "not ascii: é" }));
    await withUnary(start, handler, async (channel) => {
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: patienceMs }));
      assertEquals([error.code, error.leader], ["INVALID_ARGUMENT", undefined]);
      assertStringIncludes(error.message, 'Cannot use "\ufffd": xxx');
    });
  }],
  ["answers INTERNAL when a handler fails in an unforeseen way", async (start) => {
    const handlers: Unary[] = [
      () => Promise.reject(new TypeError("Something is undefined")),
      () => {
        throw new TypeError("Something is undefined");
      },
    ];
    for (const handler of handlers) {
      await withUnary(start, handler, async (channel) => {
        const call = channel.unary(execute, request(1), { timeoutMs: patienceMs });
        const error = await rejection(call);
        assertEquals([error.code, error.message], ["INTERNAL", "Something is undefined"]);
      });
    }
  }],
  ["gives up at the deadline and tells the handler", async (start) => {
    const aborted = Promise.withResolvers<void>();
    const handler: Unary = (_request, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => {});
    };
    await withUnary(start, handler, async (channel, address) => {
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: 30 }));
      assertEquals(error.code, "DEADLINE_EXCEEDED");
      assertStringIncludes(error.message, address);
      await aborted.promise;
    });
  }],
  ["refuses a call with no time left or no deadline at all", async (start) => {
    await withUnary(start, () => Promise.resolve(response(1)), async (channel) => {
      const late = await rejection(channel.unary(execute, request(1), { timeoutMs: 0 }));
      assertEquals(late.code, "DEADLINE_EXCEEDED");
      await assertRejects(
        () => channel.unary(execute, request(1), { timeoutMs: Infinity }),
        RangeError,
        "finite",
      );
    });
  }],
  ["gives up when the caller aborts and tells the handler", async (start) => {
    const entered = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const handler: Unary = (_request, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve());
      entered.resolve();
      return new Promise(() => {});
    };
    await withUnary(start, handler, async (channel) => {
      const { signal, abort } = abortable();
      const call = rejection(channel.unary(execute, request(1), { timeoutMs: patienceMs, signal }));
      await entered.promise;
      abort();
      assertEquals((await call).code, "CANCELLED");
      await aborted.promise;
      const again = await rejection(
        channel.unary(execute, request(1), { timeoutMs: patienceMs, signal }),
      );
      assertEquals(again.code, "CANCELLED");
    });
  }],
  ["carries metadata and the caller's address", async (start) => {
    const handler: Unary = (_request, context) => {
      assert(context.peer.length > 0);
      const known = context.metadata("eraft-no-forward") ?? "none";
      return Promise.resolve({ ...response(1), message: `${known} ${context.metadata("other")}` });
    };
    await withUnary(start, handler, async (channel) => {
      const metadata = { "eraft-no-forward": "1" };
      const options = { timeoutMs: patienceMs, metadata };
      assertEquals((await channel.unary(execute, request(1), options)).message, "1 undefined");
    });
  }],
  ["takes a full payload and refuses a message above the limit", async (start) => {
    const handler: Unary = (request) =>
      Promise.resolve({ ...response(request.writes.length), message: "" });
    await withUnary(start, handler, async (channel) => {
      const full = { ...request(1), writes: Buffer.alloc(messageBytesMax - 64) };
      assertEquals(
        (await channel.unary(execute, full, { timeoutMs: patienceMs })).id,
        full.writes.length,
      );
      const above = { ...request(1), writes: Buffer.alloc(messageBytesMax) };
      const error = await rejection(channel.unary(execute, above, { timeoutMs: patienceMs }));
      assertEquals(error.code, "INVALID_ARGUMENT");
      assertStringIncludes(error.message, `the limit is ${messageBytesMax}`);
    });
  }],
  ["answers INTERNAL for a response above the limit", async (start) => {
    const handler: Unary = () =>
      Promise.resolve({ ...response(1), message: "x".repeat(messageBytesMax + 1) });
    await withUnary(start, handler, async (channel) => {
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: patienceMs }));
      assertEquals(error.code, "INTERNAL");
      assertStringIncludes(error.message, "response");
    });
  }],
  ["answers INVALID_ARGUMENT to bytes that are no such message", async (start) => {
    await withUnary(start, () => Promise.resolve(response(1)), async (channel) => {
      const mangled = { ...execute, requestSerialize: () => Buffer.from([0xff, 0xff, 0xff]) };
      const error = await rejection(channel.unary(mangled, request(1), { timeoutMs: patienceMs }));
      assertEquals(error.code, "INVALID_ARGUMENT");
    });
  }],
  ["answers UNIMPLEMENTED to a method the server does not offer", async (start) => {
    await withUnary(start, () => Promise.resolve(response(1)), async (channel) => {
      const empty = Buffer.alloc(0);
      const page = { shards: [], start: empty, end: empty, limit: 1, keysOnly: false };
      const error = await rejection(channel.unary(scan, page, { timeoutMs: patienceMs }));
      assertEquals(error.code, "UNIMPLEMENTED");
    });
  }],
  ["answers UNAVAILABLE where nothing listens, naming the address", async (start) => {
    const { address, dialer, closeServer } = await start([]);
    await closeServer();
    const call = dialer.channel(address).unary(execute, request(1), { timeoutMs: patienceMs });
    const error = await rejection(call);
    assertEquals(error.code, "UNAVAILABLE");
    assertStringIncludes(error.message, address);
    await dialer.close();
  }],
];

const echo: Stream = async (call) => {
  for await (const { id } of call.requests) call.send(response(id));
};

const streamTests: ConformanceTest[] = [
  ["carries a stream's messages in order both ways", async (start) => {
    await withStream(start, echo, async (channel) => {
      const call = channel.stream(streamMethod);
      const count = 1_000;
      for (let id = 0; id < count; id++) call.send(request(id));
      const seen: number[] = [];
      for await (const { id } of call.responses) {
        seen.push(id);
        if (seen.length === count) call.end();
      }
      assertEquals(seen, Array.from({ length: count }, (_, id) => id));
    });
  }],
  ["ends the handler's requests when the caller half-closes", async (start) => {
    const handler: Stream = async (call) => {
      let sum = 0;
      for await (const { id } of call.requests) sum += id;
      call.send(response(sum));
    };
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      for (const id of [1, 2, 3]) call.send(request(id));
      call.end();
      assertEquals(await collect(call.responses), [6]);
    });
  }],
  ["ends the caller's responses when the handler returns", async (start) => {
    const handler: Stream = (call) => {
      for (const id of [7, 8]) call.send(response(id));
      return Promise.resolve();
    };
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      assertEquals(await collect(call.responses), [7, 8]);
      // Nobody listens any more: sending and cancelling do nothing.
      call.send(request(1));
      call.cancel();
    });
  }],
  ["breaks the caller's responses with the handler's error", async (start) => {
    const handler: Stream = async (call) => {
      for await (const { id } of call.requests) {
        if (id === 3) throw new KvError("WRONG_GROUP", "Cannot serve shard 3", { leader: "a:1" });
        call.send(response(id));
      }
    };
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      call.send(request(1));
      const seen: number[] = [];
      const reading = (async () => {
        for await (const { id } of call.responses) {
          seen.push(id);
          call.send(request(id + 1));
        }
      })();
      const error = await rejection(reading);
      assertEquals([error.code, error.leader], ["WRONG_GROUP", "a:1"]);
      assertEquals(seen, [1, 2]);
    });
  }],
  ["aborts the handler when the caller cancels the stream", async (start) => {
    const { handler, entered, aborted, thrown } = endless();
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      call.send(request(1));
      await entered;
      const error = rejection(collect(call.responses));
      call.cancel();
      call.cancel();
      assertEquals((await error).code, "CANCELLED");
      await aborted;
      assertEquals((await thrown).code, "CANCELLED");
    });
  }],
  ["aborts the handler when the caller's signal aborts", async (start) => {
    const { handler, entered, aborted } = endless();
    await withStream(start, handler, async (channel) => {
      const { signal, abort } = abortable();
      const call = channel.stream(streamMethod, { signal });
      call.send(request(1));
      await entered;
      abort();
      assertEquals((await rejection(collect(call.responses))).code, "CANCELLED");
      await aborted;
      const late = channel.stream(streamMethod, { signal });
      assertEquals((await rejection(collect(late.responses))).code, "CANCELLED");
    });
  }],
  ["aborts the handler when the caller stops reading for good", async (start) => {
    const { handler, aborted } = endless();
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      call.send(request(1));
      for await (const _ of call.responses) break;
      await aborted;
    });
  }],
  ["refuses a streamed message above the limit and keeps the stream", async (start) => {
    await withStream(start, echo, async (channel) => {
      const call = channel.stream(streamMethod);
      const above = { ...request(1), writes: Buffer.alloc(messageBytesMax) };
      const error = assertThrows(() => call.send(above), KvError);
      assertEquals(error.code, "INVALID_ARGUMENT");
      call.send(request(5));
      call.end();
      assertEquals(await collect(call.responses), [5]);
    });
  }],
];

const lifecycleTests: ConformanceTest[] = [
  ["breaks streams with UNAVAILABLE when the server closes", async (start) => {
    const { handler, entered, aborted } = endless();
    const { address, dialer, closeServer } = await start([stream(streamMethod, handler)]);
    const call = dialer.channel(address).stream(streamMethod);
    call.send(request(1));
    await entered;
    const error = rejection(collect(call.responses));
    await closeServer();
    assertEquals((await error).code, "UNAVAILABLE");
    await aborted;
    await dialer.close();
  }],
  ["gives up calls under way when the dialer closes", async (start) => {
    const aborted = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const handler: Unary = (_request, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve());
      entered.resolve();
      return new Promise(() => {});
    };
    const { address, dialer, closeServer } = await start([unary(execute, handler)]);
    const channel = dialer.channel(address);
    const call = rejection(channel.unary(execute, request(1), { timeoutMs: patienceMs }));
    await entered.promise;
    await dialer.close();
    assertEquals((await call).code, "CANCELLED");
    await aborted.promise;
    const late = rejection(channel.unary(execute, request(1), { timeoutMs: patienceMs }));
    assertEquals((await late).code, "CANCELLED");
    const last = collect(dialer.channel(address).stream(streamMethod).responses);
    assertEquals((await rejection(last)).code, "CANCELLED");
    await closeServer();
    await closeServer();
  }],
  ["shares one channel per address until it is forgotten", async (start) => {
    const { address, dialer, closeServer } = await start([
      unary(execute, () => Promise.resolve(response(3))),
    ]);
    const first = dialer.channel(address);
    assert(first === dialer.channel(address));
    assertEquals((await first.unary(execute, request(1), { timeoutMs: patienceMs })).id, 3);
    dialer.forget(address);
    const second = dialer.channel(address);
    assert(second !== first);
    assertEquals((await second.unary(execute, request(1), { timeoutMs: patienceMs })).id, 3);
    await dialer.close();
    await closeServer();
  }],
];

async function withUnary(
  start: StartCarrier,
  handler: Unary,
  use: (channel: Channel, address: string) => Promise<void>,
): Promise<void> {
  await withRoutes(start, [unary(execute, handler)], use);
}

async function withStream(
  start: StartCarrier,
  handler: Stream,
  use: (channel: Channel, address: string) => Promise<void>,
): Promise<void> {
  await withRoutes(start, [stream(streamMethod, handler)], use);
}

async function withRoutes(
  start: StartCarrier,
  routes: ServiceRoutes,
  use: (channel: Channel, address: string) => Promise<void>,
): Promise<void> {
  const { address, dialer, closeServer } = await start(routes);
  try {
    await use(dialer.channel(address), address);
  } finally {
    await dialer.close();
    await closeServer();
  }
}

/** A handler that answers the first request and then waits until it is aborted. */
function endless() {
  const entered = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const thrown = Promise.withResolvers<KvError>();
  const handler: Stream = async (call) => {
    call.signal.addEventListener("abort", () => aborted.resolve());
    try {
      for await (const { id } of call.requests) {
        call.send(response(id));
        entered.resolve();
      }
    } catch (error) {
      if (error instanceof KvError) thrown.resolve(error);
      throw error;
    }
  };
  const { promise } = entered;
  return { handler, entered: promise, aborted: aborted.promise, thrown: thrown.promise };
}

function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

async function rejection(call: Promise<unknown>): Promise<KvError> {
  return await assertRejects(() => call, KvError);
}

async function collect(responses: AsyncIterable<BatchResponse>, into: number[] = []) {
  for await (const { id } of responses) into.push(id);
  return into;
}

function request(id: number): BatchRequest {
  return { id, writes: Buffer.alloc(0), getKeys: [], ageMs: 0 };
}

function response(id: number): BatchResponse {
  return {
    id,
    error: "",
    message: "",
    leaderAddress: "",
    configNum: 0,
    writeResults: [],
    getResults: [],
  };
}
