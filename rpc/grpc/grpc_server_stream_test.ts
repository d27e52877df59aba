/** Callers of streams who read late, in part, or no more. */
import { assert, assertEquals } from "@std/assert";
import http2 from "node:http2";
import type { BatchRequest, BatchResponse } from "../../proto/gen/shardkv.ts";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { KvError } from "../errors.ts";
import { STREAM_QUEUE_MESSAGES_MAX, UNSENT_STREAM_BYTES_MAX } from "../limits.ts";
import { stream } from "../service.ts";
import {
  execute,
  PATIENCE_MS,
  request,
  response,
  type Stream,
  streamMethod,
} from "../testing/carrier_testing.ts";
import { type GrpcServer, serveGrpc } from "./grpc_server.ts";

const LARGE_BYTES = 1_000_000;
/** Answers that a stream holds before its caller is asked for no more. */
const HELD = Math.floor(UNSENT_STREAM_BYTES_MAX / LARGE_BYTES) + 1;

function large(id: number): BatchResponse {
  const result = { code: 0, value: Buffer.alloc(LARGE_BYTES, 1), hasValue: true };
  return { ...response(id), getResults: [result] };
}

/** A message as gRPC puts it into a stream. */
function frameOf(message: BatchRequest): Buffer {
  const bytes = execute.requestSerialize(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** A handler that answers each request with a large value, and what has become of its calls. */
class LargeAnswers {
  readonly answered: number[] = [];
  /** How they have ended; those of proper callers with "done". */
  readonly ends: string[] = [];

  readonly handler: Stream = async (call) => {
    try {
      for await (const { id } of call.requests) {
        this.answered.push(id);
        call.send(large(id));
      }
      this.ends.push("done");
    } catch (error) {
      this.ends.push(KvError.from(error).code);
      throw error;
    }
  };
}

/** A caller whose connection has room for all its streams, so that none stands in another's way. */
class Caller {
  readonly session: http2.ClientHttp2Session;

  private constructor(session: http2.ClientHttp2Session) {
    this.session = session;
  }

  static async connect(server: GrpcServer): Promise<Caller> {
    const session = http2.connect(`http://${server.address}`);
    session.on("error", () => {});
    await new Promise<void>((resolve) => session.once("connect", () => resolve()));
    session.setLocalWindowSize(64 << 20);
    return new Caller(session);
  }

  /** A stream with so many requests whose answers nobody takes until it is read. */
  start(count: number): http2.ClientHttp2Stream {
    const call = this.session.request({
      ":method": "POST",
      ":path": streamMethod.path,
      "content-type": "application/grpc",
      "te": "trailers",
    });
    call.on("error", () => {});
    call.pause();
    for (let id = 1; id <= count; id++) call.write(frameOf(request(id)));
    return call;
  }

  /** Bytes that have left, once nothing more does. */
  async bytesSent(): Promise<number> {
    let bytes = -1;
    for (let still = 0; still < 20; still++) {
      const { bytesWritten } = this.session.socket;
      if (bytesWritten !== bytes) still = 0;
      bytes = bytesWritten;
      await sleep(systemClock, 10);
    }
    return bytes;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.session.on("close", () => resolve()));
    this.session.destroy();
    await closed;
  }
}

/** Reads so many bytes and stops again. */
async function readBytes(call: http2.ClientHttp2Stream, count: number): Promise<void> {
  let left = count;
  await new Promise<void>((resolve) => {
    const take = (bytes: Buffer) => {
      left -= bytes.length;
      if (left > 0) return;
      call.pause();
      call.off("data", take);
      resolve();
    };
    call.on("data", take);
    call.resume();
  });
}

async function until(condition: () => boolean, what = "It"): Promise<void> {
  const deadline = systemClock.now() + PATIENCE_MS;
  while (!condition()) {
    assert(systemClock.now() < deadline, `${what} never came`);
    await sleep(systemClock, 2);
  }
}

async function withServer(
  handler: Stream,
  use: (server: GrpcServer, caller: Caller) => Promise<void>,
): Promise<void> {
  const routes = [stream(streamMethod, handler)];
  const server = await serveGrpc({ address: "127.0.0.1:0", routes });
  const caller = await Caller.connect(server);
  try {
    await use(server, caller);
  } finally {
    await caller.close();
    await server.close();
  }
}

Deno.test("a stream goes on as soon as its caller has made room, before all is taken, and stops again", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server, caller) => {
    const call = caller.start(20);
    await until(() => answers.answered.length === HELD);
    await readBytes(call, 2 * LARGE_BYTES);
    await until(() => answers.answered.length > HELD, "More");
    assert(server.unsentBytes > UNSENT_STREAM_BYTES_MAX / 2, "much is still to be taken");
    // Nobody reads: no more than was taken is answered.
    await until(() => server.unsentBytes > UNSENT_STREAM_BYTES_MAX);
    assert(answers.answered.length <= HELD + 3, `${answers.answered.length} were answered`);
    call.resume();
    call.end();
    await until(() => answers.ends.length === 1, "The end");
    assertEquals(answers.answered, Array.from({ length: 20 }, (_, i) => i + 1));
    await until(() => server.unsentBytes === 0);
  });
});

Deno.test("a stream whose handler answers much at once is asked for more only once enough is taken", async () => {
  let asked = 0;
  const handler: Stream = async (call) => {
    for await (const { id } of call.requests) {
      asked++;
      for (let i = 0; i < 2 * HELD; i++) call.send(large(id));
    }
  };
  await withServer(handler, async (server, caller) => {
    const call = caller.start(2);
    await until(() => server.unsentBytes > 2 * HELD * LARGE_BYTES);
    await readBytes(call, HELD * LARGE_BYTES);
    // All that was read is known to have left.
    await until(() => server.unsentBytes < (HELD + 1) * LARGE_BYTES);
    assertEquals([asked, server.unsentBytes > UNSENT_STREAM_BYTES_MAX], [1, true]);
    await readBytes(call, 2 * LARGE_BYTES);
    await until(() => asked === 2, "The second");
  });
});

Deno.test("a stream that is not read does not hold another of its connection up", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server, caller) => {
    const still = caller.start(20);
    await until(() => answers.answered.length === HELD);
    const other = caller.start(10);
    other.resume();
    other.end();
    await until(() => answers.ends.length === 1, "The other's end");
    assertEquals(answers.answered.length, HELD + 10);
    await until(() => server.unsentBytes < HELD * LARGE_BYTES + 1_000, "What it took");
    assert(!still.destroyed);
  });
});

Deno.test("a stream that is cancelled gives back what it held, and ends the handler that waits for room", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server, caller) => {
    for (let round = 1; round <= 3; round++) {
      const call = caller.start(20);
      await until(() => answers.answered.length === round * HELD);
      assert(server.unsentBytes > UNSENT_STREAM_BYTES_MAX / 2);
      call.close(http2.constants.NGHTTP2_CANCEL);
      await until(() => answers.ends.length === round, "The end");
      await until(() => server.unsentBytes === 0, "What it held");
    }
    assertEquals(answers.ends, Array(3).fill("CANCELLED"));
    // What came back was counted once: a call is still counted as any other.
    caller.start(20);
    await until(() => server.unsentBytes > UNSENT_STREAM_BYTES_MAX / 2);
    assertEquals(answers.answered.length > 3 * HELD, true);
  });
});

Deno.test("a connection that breaks gives back what all its streams held", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server) => {
    const caller = await Caller.connect(server);
    for (let i = 0; i < 3; i++) caller.start(20);
    await until(() => answers.answered.length === 3 * HELD);
    await caller.close();
    await until(() => answers.ends.length === 3, "The ends");
    await until(() => server.unsentBytes === 0, "What they held");
    assertEquals(answers.ends, Array(3).fill("CANCELLED"));
  });
});

Deno.test("a stream whose handler returns delivers what was not taken yet, and then gives it back", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server, caller) => {
    const call = caller.start(3);
    call.end();
    await until(() => answers.ends.length === 1, "The end");
    assert(server.unsentBytes > LARGE_BYTES);
    let received = 0;
    call.on("data", (bytes: Buffer) => received += bytes.length);
    const trailers = new Promise<http2.IncomingHttpHeaders>((resolve) =>
      call.on("trailers", resolve)
    );
    call.resume();
    assertEquals((await trailers)["grpc-status"], "0");
    assert(received > 3 * LARGE_BYTES);
    await until(() => server.unsentBytes === 0);
  });
});

Deno.test("a stream keeps so many requests for a handler that is slow, and the rest with the caller", async () => {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const seen: number[] = [];
  const handler: Stream = async (call) => {
    for await (const { id } of call.requests) {
      seen.push(id);
      entered.resolve();
      await gate.promise;
    }
    call.send(response(seen.length));
  };
  await withServer(handler, async (_server, caller) => {
    const call = caller.start(1);
    await entered.promise;
    const payload = Buffer.alloc(100_000);
    const count = 4 * STREAM_QUEUE_MESSAGES_MAX;
    for (let id = 2; id <= count; id++) {
      call.write(frameOf({ ...request(id), writes: payload }));
    }
    call.end();
    const sent = await caller.bytesSent();
    assert(sent > STREAM_QUEUE_MESSAGES_MAX * payload.length, `${sent} bytes were sent`);
    assert(sent < 0.5 * count * payload.length, `${sent} bytes were sent`);
    gate.resolve();
    call.resume();
    await until(() => seen.length === count, "The rest");
    assertEquals(seen, Array.from({ length: count }, (_, i) => i + 1));
  });
});

Deno.test("a server that closes ends the handler of a stream that nobody reads", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server, caller) => {
    caller.start(20);
    await until(() => answers.answered.length === HELD);
    let isClosed = false;
    const closed = server.close().then(() => isClosed = true);
    await until(() => answers.ends.length === 1, "The end");
    assertEquals([answers.ends, isClosed], [["UNAVAILABLE"], false]);
    await closed;
    assertEquals([server.unsentBytes, answers.answered.length], [0, HELD]);
  });
});

Deno.test("a stream that is broken off ends the handler that waits for room, and leaves nothing", async () => {
  const answers = new LargeAnswers();
  await withServer(answers.handler, async (server, caller) => {
    const call = caller.start(20);
    await until(() => answers.answered.length === HELD);
    // A message that is none.
    call.write(Buffer.from("0000000001ff", "hex"));
    await until(() => answers.ends.length === 1, "The end");
    assertEquals(answers.ends, ["INVALID_ARGUMENT"]);
    assertEquals(answers.answered.length, HELD);
    call.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => server.unsentBytes === 0, "What it held");
  });
});
