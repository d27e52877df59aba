/** What every carrier must do with unary calls. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { KvError } from "../errors.ts";
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import {
  abortable,
  type ConformanceTest,
  execute,
  PATIENCE_MS,
  rejection,
  request,
  response,
  scan,
  type Unary,
  withUnary,
} from "./carrier_testing.ts";

export const unaryTests: ConformanceTest[] = [
  ["carries a request and its response", async (start) => {
    await withUnary(
      start,
      (request) => Promise.resolve(response(request.id + 1)),
      async (channel) => {
        const answer = await channel.unary(execute, request(41), { timeoutMs: PATIENCE_MS });
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
      await channel.unary(execute, { ...request(1), writes }, { timeoutMs: PATIENCE_MS });
      writes[0] = 9;
      assertEquals([...seen], [1, 2, 3]);
    });
  }],
  ["carries a KvError with its code, text and leader", async (start) => {
    const text = "Cannot write: this replica follows, “café” ✓";
    const handler: Unary = () =>
      Promise.reject(new KvError("NOT_LEADER", text, { leader: "10.0.0.7:6001" }));
    await withUnary(start, handler, async (channel) => {
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS }));
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
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS }));
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
        const call = channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS });
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
      const call = rejection(
        channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS, signal }),
      );
      await entered.promise;
      abort();
      assertEquals((await call).code, "CANCELLED");
      await aborted.promise;
      const again = await rejection(
        channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS, signal }),
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
      const options = { timeoutMs: PATIENCE_MS, metadata };
      assertEquals((await channel.unary(execute, request(1), options)).message, "1 undefined");
    });
  }],
  ["takes a full payload and refuses a message above the limit", async (start) => {
    const handler: Unary = (request) =>
      Promise.resolve({ ...response(request.writes.length), message: "" });
    await withUnary(start, handler, async (channel) => {
      const full = { ...request(1), writes: Buffer.alloc(MESSAGE_BYTES_MAX - 64) };
      assertEquals(
        (await channel.unary(execute, full, { timeoutMs: PATIENCE_MS })).id,
        full.writes.length,
      );
      const above = { ...request(1), writes: Buffer.alloc(MESSAGE_BYTES_MAX) };
      const error = await rejection(channel.unary(execute, above, { timeoutMs: PATIENCE_MS }));
      assertEquals(error.code, "INVALID_ARGUMENT");
      assertStringIncludes(error.message, `the limit is ${MESSAGE_BYTES_MAX}`);
    });
  }],
  ["answers INTERNAL for a response above the limit", async (start) => {
    const handler: Unary = () =>
      Promise.resolve({ ...response(1), message: "x".repeat(MESSAGE_BYTES_MAX + 1) });
    await withUnary(start, handler, async (channel) => {
      const error = await rejection(channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS }));
      assertEquals(error.code, "INTERNAL");
      assertStringIncludes(error.message, "response");
    });
  }],
  ["answers INVALID_ARGUMENT to bytes that are no such message", async (start) => {
    await withUnary(start, () => Promise.resolve(response(1)), async (channel) => {
      const mangled = { ...execute, requestSerialize: () => Buffer.from([0xff, 0xff, 0xff]) };
      const error = await rejection(channel.unary(mangled, request(1), { timeoutMs: PATIENCE_MS }));
      assertEquals(error.code, "INVALID_ARGUMENT");
    });
  }],
  ["answers UNIMPLEMENTED to a method the server does not offer", async (start) => {
    await withUnary(start, () => Promise.resolve(response(1)), async (channel) => {
      const empty = Buffer.alloc(0);
      const page = { shards: [], start: empty, end: empty, limit: 1, keysOnly: false };
      const error = await rejection(channel.unary(scan, page, { timeoutMs: PATIENCE_MS }));
      assertEquals(error.code, "UNIMPLEMENTED");
    });
  }],
  ["answers UNAVAILABLE where nothing listens, naming the address", async (start) => {
    const { address, dialer, closeServer } = await start([]);
    await closeServer();
    const call = dialer.channel(address).unary(execute, request(1), { timeoutMs: PATIENCE_MS });
    const error = await rejection(call);
    assertEquals(error.code, "UNAVAILABLE");
    assertStringIncludes(error.message, address);
    await dialer.close();
  }],
];
