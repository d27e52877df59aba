import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EventEmitter } from "node:events";
import * as http2 from "node:http2";
import type { BatchRequest, BatchResponse } from "../../proto/gen/shardkv.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import { unary, type UnaryHandler } from "../service.ts";
import { execute, PATIENCE_MS, request, response } from "../testing/carrier_testing.ts";
import { type GrpcServer, serveGrpc, type ServerLimits } from "./grpc_server.ts";
import { UnaryCalls } from "./grpc_unary_call.ts";
import { UnsentAnswers } from "./unsent_answers.ts";

type Handler = UnaryHandler<BatchRequest, BatchResponse>;

/** Before each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;
const ECHO: Handler = ({ id }) => Promise.resolve(response(id));
const [OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, EXHAUSTED, UNIMPLEMENTED] = [
  "0",
  "3",
  "4",
  "8",
  "12",
];

async function withSession(
  { handler = ECHO, ...limits }: ServerLimits & { readonly handler?: Handler },
  use: (session: http2.ClientHttp2Session, server: GrpcServer) => Promise<void>,
): Promise<void> {
  const routes = [unary(execute, handler)];
  const server = await serveGrpc({ address: "127.0.0.1:0", routes, limits });
  const session = http2.connect(`http://${server.address}`);
  session.on("error", () => {});
  try {
    await use(session, server);
  } finally {
    const closed = Promise.withResolvers<void>();
    if (session.destroyed) closed.resolve();
    else session.on("close", () => closed.resolve());
    session.destroy();
    await closed.promise;
    await server.close();
  }
}

/** A call as any gRPC client makes it, byte for byte in the test's hand. */
class RawCall {
  readonly stream: http2.ClientHttp2Stream;
  readonly #heads: http2.IncomingHttpHeaders[] = [];
  readonly #body: Buffer[] = [];
  readonly #ended = Promise.withResolvers<void>();

  constructor(session: http2.ClientHttp2Session, headers: Readonly<Record<string, string>> = {}) {
    this.stream = session.request({
      ":method": "POST",
      ":path": execute.path,
      "content-type": "application/grpc",
      "te": "trailers",
      ...headers,
    });
    this.stream.on("error", () => {});
    this.stream.on("response", (head) => this.#heads.push(head));
    this.stream.on("trailers", (head) => this.#heads.push(head));
    this.stream.on("data", (chunk: Buffer) => this.#body.push(chunk));
    this.stream.on("end", () => this.#ended.resolve());
  }

  /** What it was answered; the status stands in the trailers, or in the headers if there is no message. */
  async answer(): Promise<{ status: unknown; text: string; id: number | undefined }> {
    await this.#ended.promise;
    const { status, text } = {
      status: this.#heads.map((head) => head["grpc-status"]).find((each) => each !== undefined),
      text: decodeURI(`${this.#heads.map((head) => head["grpc-message"] ?? "").join("")}`),
    };
    const body = Buffer.concat(this.#body);
    const id = body.length < 5 ? undefined : execute.responseDeserialize(body.subarray(5)).id;
    return { status, text, id };
  }

  get isAnswered(): boolean {
    return this.#heads.length > 0;
  }
}

function framed(message: BatchRequest): Buffer {
  const bytes = execute.requestSerialize(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

Deno.test("a unary call may come byte by byte", async () => {
  const seen: Buffer[] = [];
  const handler: Handler = ({ id, writes }) => {
    seen.push(Buffer.from(writes));
    return Promise.resolve(response(id));
  };
  await withSession({ handler }, async (session) => {
    const writes = Buffer.from(Array.from({ length: 300 }, (_, i) => i));
    const call = new RawCall(session);
    for (const byte of framed({ ...request(8), writes })) {
      await new Promise<void>((resolve) => call.stream.write(Buffer.of(byte), () => resolve()));
    }
    call.stream.end();
    assertEquals(await call.answer(), { status: OK, text: "", id: 8 });
    assertEquals(seen, [writes]);
  });
});

const one = framed(request(1));

for (
  const [what, body, status, words] of [
    ["no message", Buffer.alloc(0), UNIMPLEMENTED, "has no message"],
    ["half a prefix", one.subarray(0, 3), UNIMPLEMENTED, "has no message"],
    ["two messages", Buffer.concat([one, one]), UNIMPLEMENTED, "has two messages"],
    ["a message that is cut off", one.subarray(0, -1), INVALID_ARGUMENT, "is cut off"],
    ["a compressed message", Buffer.of(1, 0, 0, 0, 1, 0), UNIMPLEMENTED, "is compressed"],
    ["too large a message", Buffer.alloc(5 << 20), INVALID_ARGUMENT, "is larger than"],
  ] as const
) {
  Deno.test(`a unary call with ${what} is refused, and its connection goes on`, async () => {
    await withSession({}, async (session) => {
      const bad = new RawCall(session);
      bad.stream.end(body);
      const answer = await bad.answer();
      assertEquals([answer.status, answer.id], [status, undefined]);
      assertStringIncludes(answer.text, words);
      const good = new RawCall(session);
      good.stream.end(framed(request(2)));
      assertEquals((await good.answer()).id, 2);
    });
  });
}

Deno.test("a unary call ends at the deadline that its caller has told", async () => {
  const aborted = Promise.withResolvers<void>();
  const handler: Handler = (_request, { signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    return new Promise(() => {});
  };
  await withSession({ handler }, async (session) => {
    for (const timeout of ["20m", "20000u", "0S"]) {
      const call = new RawCall(session, { "grpc-timeout": timeout });
      call.stream.end(framed(request(1)));
      assertEquals((await call.answer()).status, DEADLINE_EXCEEDED, timeout);
    }
    await aborted.promise;
  });
});

Deno.test("a unary call ends at its deadline though its request has not come to an end", async () => {
  await withSession({}, async (session) => {
    const call = new RawCall(session, { "grpc-timeout": "20m" });
    call.stream.write(one.subarray(0, 4));
    assertEquals((await call.answer()).status, DEADLINE_EXCEEDED);
  });
});

Deno.test("the stream of a unary call that is over before its request is not kept", async () => {
  await withSession({}, async (session) => {
    const call = new RawCall(session, { "grpc-timeout": "20m" });
    const closed = new Promise<void>((resolve) => call.stream.on("close", resolve));
    call.stream.write(one.subarray(0, 4));
    assertEquals((await call.answer()).status, DEADLINE_EXCEEDED);
    await closed;
    assertEquals(call.stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
  });
});

Deno.test("a unary call may have the longest deadline there is, and none that is no time", async () => {
  await withSession({}, async (session) => {
    for (const timeout of ["99999999H", "99999999n"]) {
      const call = new RawCall(session, { "grpc-timeout": timeout });
      call.stream.end(one);
      assertEquals((await call.answer()).status, OK, timeout);
    }
    for (const timeout of ["soon", "-1S", "123456789S", "1"]) {
      const call = new RawCall(session, { "grpc-timeout": timeout });
      call.stream.end(one);
      const { status, text } = await call.answer();
      assertEquals(status, INVALID_ARGUMENT, timeout);
      assertStringIncludes(text, `grpc-timeout is "${timeout}"`);
    }
  });
});

Deno.test("unary requests that never come to an end make room for others", async () => {
  const arrivingBytesMax = 100_000;
  await withSession({ arrivingBytesMax }, async (session) => {
    const part = Buffer.concat([Buffer.of(0, 0, 0, 0xff, 0xff), Buffer.alloc(20_000)]);
    const stuck = Array.from({ length: 4 }, () => new RawCall(session));
    for (const call of stuck) call.stream.write(part);
    const large = new RawCall(session);
    large.stream.end(framed({ ...request(3), writes: Buffer.alloc(60_000) }));
    assertEquals((await large.answer()).id, 3);
    for (const call of stuck) {
      const { status, text } = await call.answer();
      assertEquals(status, EXHAUSTED);
      assertStringIncludes(text, "have not arrived whole");
    }
    const later = new RawCall(session);
    later.stream.write(part);
    const small = new RawCall(session);
    small.stream.end(one);
    assertEquals((await small.answer()).id, 1);
    assert(!later.isAnswered, "there is room for it");
  });
});

Deno.test("unary requests that have come whole neither take room from others nor make it", async () => {
  const entered = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const answered = Promise.withResolvers<void>();
  const handler: Handler = async ({ id }) => {
    entered[id]?.resolve();
    await answered.promise;
    return response(id);
  };
  await withSession({ handler, arrivingBytesMax: 100_000 }, async (session) => {
    const whole = entered.map(() => new RawCall(session));
    for (const [id, call] of whole.entries()) {
      call.stream.end(framed({ ...request(id), writes: Buffer.alloc(60_000) }));
      await Promise.race([entered[id]?.promise, call.answer()]);
    }
    const part = Buffer.concat([Buffer.of(0, 0, 0, 0xff, 0xff), Buffer.alloc(40_000)]);
    const stuck = Array.from({ length: 3 }, () => new RawCall(session));
    for (const call of stuck) call.stream.write(part);
    assertEquals((await stuck[0]?.answer())?.status, EXHAUSTED);
    answered.resolve();
    for (const [id, call] of whole.entries()) {
      assertEquals(await call.answer(), { status: OK, text: "", id });
    }
  });
});

Deno.test("a unary request may be as large as a message, and not a byte larger", async () => {
  await withSession({}, async (session) => {
    const { length } = framed({ ...request(1), writes: Buffer.alloc(MESSAGE_BYTES_MAX) });
    const overhead = length - PREFIX_BYTES - MESSAGE_BYTES_MAX;
    for (const [bytes, status] of [[0, OK], [1, INVALID_ARGUMENT]] as const) {
      const writes = Buffer.alloc(MESSAGE_BYTES_MAX - overhead + bytes);
      const call = new RawCall(session);
      call.stream.end(framed({ ...request(1), writes }));
      assertEquals((await call.answer()).status, status, `${bytes} more`);
    }
  });
});

Deno.test("headers of unary requests that never come to an end make room for others", async () => {
  const arrivingBytesMax = 100_000;
  await withSession({ arrivingBytesMax }, async (session) => {
    const note = "x".repeat(20_000);
    const stuck = Array.from({ length: 6 }, () => new RawCall(session, { note }));
    for (const call of stuck.slice(0, 3)) {
      const { status, text } = await call.answer();
      assertEquals(status, EXHAUSTED);
      assertStringIncludes(text, "have not arrived whole");
    }
    const last = stuck.slice(3);
    assert(last.every((call) => !call.isAnswered), "there is room for them");
    for (const call of last) {
      call.stream.end(one);
      assertEquals((await call.answer()).id, 1);
    }
    // What has come whole is not counted any more.
    const later = Array.from({ length: 4 }, () => new RawCall(session, { note }));
    for (const call of later) call.stream.end(one);
    for (const call of later) assertEquals((await call.answer()).id, 1);
  });
});

Deno.test("a handler hears that its unary caller is gone", async () => {
  const entered = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<string>();
  const handler: Handler = (_request, { signal }) => {
    signal.addEventListener("abort", () => aborted.resolve(signal.reason.code));
    entered.resolve();
    return new Promise(() => {});
  };
  await withSession({ handler }, async (session) => {
    const call = new RawCall(session);
    call.stream.end(one);
    await entered.promise;
    call.stream.close(http2.constants.NGHTTP2_CANCEL);
    assertEquals(await aborted.promise, "CANCELLED");
  });
});

Deno.test("a handler that asks only later hears all the same that its unary caller is gone", async () => {
  const entered = Promise.withResolvers<void>();
  const isAborted = Promise.withResolvers<boolean>();
  const asked = Promise.withResolvers<void>();
  const handler: Handler = async (_request, context) => {
    entered.resolve();
    await asked.promise;
    isAborted.resolve(context.signal.aborted);
    return response(1);
  };
  await withSession({ handler }, async (session) => {
    const call = new RawCall(session, { "grpc-timeout": "20m" });
    call.stream.end(one);
    await entered.promise;
    assertEquals((await call.answer()).status, DEADLINE_EXCEEDED);
    asked.resolve();
    assert(await isAborted.promise);
  });
});

Deno.test("a connection that makes unary calls is not taken for idle, one that makes none is", async () => {
  const idleMsMax = 1_000;
  const stop = new AbortController();
  await withSession({ idleMsMax }, async (session) => {
    const end = systemClock.now() + 3 * idleMsMax;
    while (systemClock.now() < end) {
      const call = new RawCall(session);
      call.stream.end(one);
      assertEquals((await call.answer()).id, 1);
      await sleep(systemClock, idleMsMax / 10);
    }
    assert(!session.closed);
    const closed = new Promise<string>((resolve) => session.once("close", () => resolve("closed")));
    const patience = sleep(systemClock, PATIENCE_MS, stop.signal).catch(() => "still open");
    assertEquals(await Promise.race([closed, patience]), "closed");
    stop.abort();
  });
});

Deno.test("a unary call that cannot be answered ends, and nothing else does", async () => {
  const logged: unknown[] = [];
  const logger = {
    ...silentLogger,
    error: (_text: string, { error }: { error?: unknown } = {}) => logged.push(error),
  };
  const unsent = new UnsentAnswers({
    clock: systemClock,
    logger,
    connectionBytesMax: 1,
    serverBytesMax: 1,
  });
  const calls = new UnaryCalls([unary(execute, ECHO)], {
    clock: systemClock,
    logger,
    unsent,
    arrivingBytesMax: 1_000,
  });
  const error = new TypeError("The stream is no more");
  const destroyed = Promise.withResolvers<void>();
  const stream = Object.assign(new EventEmitter(), {
    ...{ destroyed: false, closed: false },
    respond() {
      throw error;
    },
    destroy: () => destroyed.resolve(),
  });
  const headers = { ":path": execute.path, "content-type": "application/grpc" };
  assert(calls.take(stream as unknown as http2.ServerHttp2Stream, headers));
  stream.emit("data", framed(request(1)));
  stream.emit("end");
  await destroyed.promise;
  assertEquals(logged, [error]);
  await calls.done();
});
