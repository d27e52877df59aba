import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import * as http2 from "node:http2";
import { connect as connectSocket, type Socket } from "node:net";
import type { BatchRequest, BatchResponse } from "../../proto/gen/shardkv.ts";
import { type Clock, sleep, systemClock } from "../../runtime/clock.ts";
import { type Logger, silentLogger } from "../../runtime/logger.ts";
import { KvError } from "../errors.ts";
import { FLOW_CONTROL_BYTES, UNSENT_STREAM_BYTES_MAX } from "../limits.ts";
import { type ServiceRoutes, stream, unary } from "../service.ts";
import { execute, request, response, streamMethod } from "../testing/carrier_testing.ts";
import { GrpcDialer } from "./grpc_dialer.ts";
import { type GrpcServer, serveGrpc, type ServerLimits, tryAddress } from "./grpc_server.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TIMEOUT_MS = 10_000;

/** The host's clock, twenty times as fast for timers. */
const hastyClock: Clock = {
  ...systemClock,
  setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs / 20),
};

const echoRoutes: ServiceRoutes = [
  unary(execute, ({ id }) => Promise.resolve(response(id))),
  stream(streamMethod, async (call) => {
    for await (const { id } of call.requests) call.send(response(id));
  }),
];

Deno.test("serveGrpc() answers a browser and hangs up on noise", async () => {
  await withServer({}, async (server) => {
    const answer = await exchange(server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertMatch(answer, /^HTTP\/1\.1 505 .*gRPC only\r\n$/s);
    const noises = ["\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n", "\0"];
    for (const noise of noises) assertEquals(await exchange(server, noise), "", noise);
    await untilConnections(server, 0);
  });
});

Deno.test("serveGrpc() survives HTTP/2 that turns into noise", async () => {
  await withServer({}, async (server) => {
    const settings = "\0\0\0\x04\0\0\0\0\0";
    const random = crypto.getRandomValues(new Uint8Array(4_096));
    const tails = [
      random,
      bytes(settings + "\xff".repeat(64)),
      // A header block that is no HPACK.
      bytes(`${settings}\0\0\x04\x01\x05\0\0\0\x01\xff\xff\xff\xff`),
      // A frame announced at 16 MiB.
      bytes("\xff\xff\xff\0\0\0\0\0\x01"),
    ];
    for (const tail of tails) {
      const connection = await connect(server);
      await connection.write(bytes(PREFACE));
      await connection.write(tail).catch(() => {});
      connection.close();
    }
    await assertAnswers(server);
    await untilConnections(server, 0);
  });
});

Deno.test("serveGrpc() survives a thousand connections opened and dropped", async () => {
  await withServer({}, async (server) => {
    const dialer = new GrpcDialer();
    const channel = dialer.channel(server.address);
    for (let round = 0; round < 20; round++) {
      const connections = await Promise.all(Array.from({ length: 50 }, () => connect(server)));
      // A port scan sends nothing; others leave in the middle of the preface.
      const halfway = connections.slice(25).map((each) => each.write(bytes(PREFACE.slice(0, 10))));
      await Promise.all(halfway);
      for (const connection of connections) connection.close();
      const { id } = await channel.unary(execute, request(round), { timeoutMs: TIMEOUT_MS });
      assertEquals(id, round);
    }
    await dialer.close();
    await untilConnections(server, 0);
  });
});

Deno.test("serveGrpc() hangs up on those who say nothing", async () => {
  await withServer({ prefaceMsMax: 30 }, async (server) => {
    const mute = await connect(server);
    const slow = await connect(server);
    await slow.write(bytes("PRI"));
    assertEquals([await readAll(mute), await readAll(slow)], ["", ""]);
    await untilConnections(server, 0);
  });
});

Deno.test("serveGrpc() keeps its connections below the limit, and says so once", async () => {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  await withServer({ connectionsMax: 3, logger }, async (server) => {
    const dialer = new GrpcDialer();
    await dialer.channel(server.address).unary(execute, request(1), { timeoutMs: TIMEOUT_MS });
    const kept = [await connect(server), await connect(server)];
    await untilConnections(server, 3);
    for (let i = 0; i < 3; i++) assertEquals(await readAll(await connect(server)), "");
    assertEquals(warnings, ["Refused a connection: too many are open"]);
    // Who was there first is not disturbed, and a place that is freed is given away again.
    await dialer.channel(server.address).unary(execute, request(2), { timeoutMs: TIMEOUT_MS });
    for (const connection of kept) connection.close();
    await untilConnections(server, 1);
    await assertAnswers(server);
    await dialer.close();
  });
});

Deno.test("serveGrpc() closes the newest connection of the address that has the most for another's", async () => {
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  await withServer({ connectionsMax: 4, logger }, async (server) => {
    const hog = new GrpcDialer();
    await hog.channel(server.address).unary(execute, request(1), { timeoutMs: TIMEOUT_MS });
    const older = await connect(server);
    const newer = await connect(server);
    const newest = await connect(server);
    await untilConnections(server, 4);
    const one = connectFrom("127.0.0.2", server);
    assertEquals(await readAll(newest), "");
    const two = connectFrom("127.0.0.3", server);
    assertEquals(await readAll(newer), "");
    // Nobody has more than the two that this address would have.
    await new Promise((resolve) => connectFrom("127.0.0.2", server).once("close", resolve));
    assertEquals(warnings, ["Closed a connection: too many are open, most from its address"]);
    assertEquals(server.connections, 4);
    // Who was there first is not disturbed.
    await hog.channel(server.address).unary(execute, request(2), { timeoutMs: TIMEOUT_MS });
    for (const socket of [one, two]) socket.destroy();
    older.close();
    await untilConnections(server, 1);
    await hog.close();
    await untilConnections(server, 0);
  });
});

Deno.test("serveGrpc() frees what a client killed in mid-stream held", async () => {
  const aborted = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const routes = [
    ...echoRoutes.filter(({ kind }) => kind === "unary"),
    stream(streamMethod, async (call) => {
      call.signal.addEventListener("abort", () => aborted.resolve());
      for await (const { id } of call.requests) {
        call.send(response(id));
        entered.resolve();
      }
    }),
  ];
  await withServer({ routes }, async (server) => {
    const source = `
      import { GrpcDialer } from "${import.meta.resolve("./grpc_dialer.ts")}";
      import { KvServiceService } from "${import.meta.resolve("../../proto/gen/shardkv.ts")}";
      const call = new GrpcDialer().channel("${server.address}").stream(KvServiceService.stream);
      for (let id = 0; ; id++) {
        call.send({ id, writes: Buffer.alloc(1_000), getKeys: [], ageMs: 0 });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }`;
    const client = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", source],
      cwd: import.meta.dirname ?? ".",
      stdin: "null",
    }).spawn();
    await entered.promise;
    client.kill("SIGKILL");
    await client.status;
    await aborted.promise;
    await assertAnswers(server);
    await untilConnections(server, 0);
  });
});

Deno.test("serveGrpc() says which address it cannot have and why", async () => {
  await withServer({}, async (server) => {
    const error = await assertRejects(
      () => serveGrpc({ address: server.address, routes: [] }),
      Error,
      `Cannot listen on ${server.address}: the port is in use`,
    );
    assert(error.cause instanceof Error);
  });
  await assertRejects(
    () => serveGrpc({ address: "192.0.2.1:1", routes: [] }),
    Error,
    "this machine does not have that address",
  );
  await assertRejects(
    () => serveGrpc({ address: "no-such-host.invalid:6001", routes: [] }),
    Error,
    "Cannot listen on no-such-host.invalid:6001",
  );
  await assertRejects(() => serveGrpc({ address: "here", routes: [] }), SyntaxError, '"here"');
  const twice = unary(execute, () => Promise.resolve(response(1)));
  await assertRejects(() => serveGrpc({ address: "a:1", routes: [twice, twice] }), TypeError);
});

Deno.test("tryAddress() tells what serveGrpc() would, and holds nothing", async () => {
  await withServer({}, async ({ address }) => {
    await assertRejects(() => tryAddress(address), Error, "the port is in use");
  });
  const { address, close } = await serveGrpc({ address: "127.0.0.1:0", routes: [] });
  await close();
  await tryAddress(address);
  await tryAddress(address);
});

Deno.test("serveGrpc() lets a message cross without waiting for its first bytes to be taken", async () => {
  await withServer({}, async (server) => {
    const session = http2.connect(`http://${server.address}`);
    const { promise, resolve } = Promise.withResolvers<http2.Settings>();
    session.on("remoteSettings", resolve);
    assertEquals((await promise).initialWindowSize, FLOW_CONTROL_BYTES);
    // The connection's own window is told after the settings.
    await assertAnswers(server);
    const answered = Promise.withResolvers<void>();
    session.ping(() => answered.resolve());
    await answered.promise;
    assertEquals(session.state.remoteWindowSize, FLOW_CONTROL_BYTES);
    const closed = Promise.withResolvers<void>();
    session.close(() => closed.resolve());
    await closed.promise;
  });
});

Deno.test("serveGrpc() asks a caller that takes no answers for no more requests", async () => {
  let answered = 0;
  const routes = [stream(streamMethod, async (call) => {
    for await (const { id } of call.requests) {
      answered++;
      call.send(large(id));
    }
  })];
  await withServer({ routes }, async (server) => {
    const session = http2.connect(`http://${server.address}`);
    const call = startCall(session, streamMethod.path);
    for (let id = 1; id <= 40; id++) call.write(frameOf(request(id)));
    const held = Math.ceil(UNSENT_STREAM_BYTES_MAX / LARGE_BYTES) + 1;
    await until(() => answered >= held - 1);
    await sleep(systemClock, 50);
    assert(answered <= held, `${answered} were answered`);
    let received = 0;
    call.on("data", (bytes: Buffer) => received += bytes.length);
    call.resume();
    await until(() => received > 40 * LARGE_BYTES);
    await until(() => server.unsentBytes === 0);
    assertEquals(answered, 40);
    await closeSession(session);
  });
});

Deno.test("serveGrpc() closes a connection whose peer leaves too many answers", async () => {
  const routes = [
    unary(execute, ({ id }) => Promise.resolve(id === 0 ? large(id) : response(id))),
  ];
  const limits = { unsentConnectionBytesMax: 4 * LARGE_BYTES };
  await withServer({ routes, ...limits }, async (server) => {
    const session = http2.connect(`http://${server.address}`);
    const ask = () => startCall(session, execute.path).end(frameOf(request(0)));
    const closed = new Promise<void>((resolve) => session.on("close", () => resolve()));
    for (let i = 0; i < 3; i++) ask();
    await until(() => server.unsentBytes > 3 * LARGE_BYTES);
    await assertAnswers(server);
    assert(!session.destroyed);
    for (let i = 0; i < 3; i++) ask();
    await closed;
    await assertAnswers(server);
    await until(() => server.unsentBytes === 0);
  });
});

Deno.test("serveGrpc() lets a connection be whose peer takes what it asked for, however much that is", async () => {
  const routes = [unary(execute, ({ id }) => Promise.resolve(large(id)))];
  await withServer({ routes, unsentConnectionBytesMax: 2 * LARGE_BYTES }, async (server) => {
    const dialer = new GrpcDialer();
    const channel = dialer.channel(server.address);
    const answers = await Promise.all(
      Array.from(
        { length: 20 },
        (_, id) => channel.unary(execute, request(id), { timeoutMs: TIMEOUT_MS }),
      ),
    );
    assertEquals(answers.map(({ id }) => id), Array.from({ length: 20 }, (_, id) => id));
    await until(() => server.unsentBytes === 0);
    await dialer.close();
  });
});

Deno.test("serveGrpc() keeps nothing of a call that gRPC takes for over", async () => {
  const routes = [stream(streamMethod, async (call) => {
    for await (const { id } of call.requests) call.send(large(id));
  })];
  await withServer({ routes }, async (server) => {
    const session = http2.connect(`http://${server.address}`);
    const call = startCall(session, streamMethod.path);
    call.write(frameOf(request(1)));
    await until(() => server.unsentBytes > 0);
    // Too large, twice: gRPC has said what is wrong and says that the call is over.
    for (let i = 0; i < 2; i++) call.write(Buffer.from("00ffffffff", "hex"));
    await until(() => call.destroyed);
    assertEquals(call.rstCode, http2.constants.NGHTTP2_CANCEL);
    assertEquals(server.unsentBytes, 0);
    await closeSession(session);
  });
});

Deno.test("serveGrpc() closes the worst connection when all together leave too many answers", async () => {
  const routes = [unary(execute, ({ id }) => Promise.resolve(large(id)))];
  const limits = { unsentServerBytesMax: 6 * LARGE_BYTES };
  await withServer({ routes, ...limits }, async (server) => {
    const [worst, other] = [1, 2].map(() => http2.connect(`http://${server.address}`));
    assert(worst !== undefined && other !== undefined);
    const closed = new Promise<void>((resolve) => worst.on("close", () => resolve()));
    const ask = async (session: http2.ClientHttp2Session, times: number) => {
      const before = server.unsentBytes;
      for (let i = 0; i < times; i++) startCall(session, execute.path).end(frameOf(request(i)));
      await until(() => worst.destroyed || server.unsentBytes > before + times * LARGE_BYTES);
    };
    await ask(worst, 3);
    await ask(other, 2);
    assert(!worst.destroyed);
    await ask(other, 1);
    await closed;
    assert(!other.destroyed);
    await closeSession(other);
    await until(() => server.unsentBytes === 0);
  });
});

Deno.test("GrpcServer.close() lets calls under way finish", async () => {
  const entered = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const route = unary(execute, async ({ id }) => {
    entered.resolve();
    await gate.promise;
    return response(id);
  });
  const server = await serveGrpc({ address: "127.0.0.1:0", routes: [route] });
  const dialer = new GrpcDialer();
  const call = dialer.channel(server.address).unary(execute, request(7), { timeoutMs: TIMEOUT_MS });
  await entered.promise;
  const closed = server.close();
  await sleep(systemClock, 20);
  gate.resolve();
  assertEquals((await call).id, 7);
  await closed;
  await dialer.close();
});

Deno.test("GrpcServer.close() breaks calls that take too long", async () => {
  const entered = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const route = unary(execute, (_request, { signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    entered.resolve();
    return new Promise<ReturnType<typeof response>>(() => {});
  });
  const server = await serveGrpc({ address: "127.0.0.1:0", routes: [route], clock: hastyClock });
  const dialer = new GrpcDialer();
  const mute = await connect(server);
  const call = dialer.channel(server.address).unary(execute, request(7), { timeoutMs: TIMEOUT_MS });
  const rejected = assertRejects(() => call, KvError, "shutting down");
  await entered.promise;
  await server.close();
  assertEquals((await rejected).code, "UNAVAILABLE");
  await aborted.promise;
  mute.close();
  await dialer.close();
});

const LARGE_BYTES = 1_000_000;

function large(id: number): BatchResponse {
  const result = { code: 0, value: Buffer.alloc(LARGE_BYTES, 1), hasValue: true };
  return { ...response(id), getResults: [result] };
}

/** A call whose answers nobody takes until it is resumed. */
function startCall(session: http2.ClientHttp2Session, path: string): http2.ClientHttp2Stream {
  session.on("error", () => {});
  const call = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    "te": "trailers",
  });
  call.on("error", () => {});
  call.pause();
  return call;
}

/** A message as gRPC puts it into a stream. */
function frameOf(message: BatchRequest): Buffer {
  const bytes = execute.requestSerialize(message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

async function closeSession(session: http2.ClientHttp2Session): Promise<void> {
  const closed = new Promise<void>((resolve) => session.on("close", () => resolve()));
  session.destroy();
  await closed;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = systemClock.now() + TIMEOUT_MS;
  while (!condition()) {
    assert(systemClock.now() < deadline, "It never came");
    await sleep(systemClock, 5);
  }
}

async function withServer(
  options: ServerLimits & { readonly routes?: ServiceRoutes; readonly logger?: Logger },
  use: (server: GrpcServer) => Promise<void>,
): Promise<void> {
  const { routes = echoRoutes, logger = silentLogger, ...limits } = options;
  const server = await serveGrpc({ address: "127.0.0.1:0", routes, logger, limits });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

async function assertAnswers(server: GrpcServer): Promise<void> {
  const dialer = new GrpcDialer();
  const { id } = await dialer.channel(server.address).unary(execute, request(5), {
    timeoutMs: TIMEOUT_MS,
  });
  assertEquals(id, 5);
  await dialer.close();
}

async function untilConnections(server: GrpcServer, count: number): Promise<void> {
  const deadline = systemClock.now() + TIMEOUT_MS;
  while (server.connections !== count) {
    assert(systemClock.now() < deadline, `${server.connections} connections, not ${count}`);
    await sleep(systemClock, 5);
  }
}

function connect(server: GrpcServer): Promise<Deno.TcpConn> {
  const port = Number(server.address.split(":").at(-1));
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Any address 127.x.y.z is this machine's on Linux. */
function connectFrom(localAddress: string, server: GrpcServer): Socket {
  const port = Number(server.address.split(":").at(-1));
  const socket = connectSocket({ host: "127.0.0.1", port, localAddress });
  socket.on("error", () => {});
  return socket.resume();
}

/** Sends something and returns all that comes back until the server hangs up. */
async function exchange(server: GrpcServer, text: string): Promise<string> {
  const connection = await connect(server);
  await connection.write(bytes(text));
  return await readAll(connection);
}

async function readAll(connection: Deno.TcpConn): Promise<string> {
  try {
    return await new Response(connection.readable).text();
  } catch {
    return "";
  }
}

/** One byte per character. */
function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
