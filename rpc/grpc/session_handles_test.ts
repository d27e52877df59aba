import { assert, assertEquals, assertFalse } from "@std/assert";
import { once } from "node:events";
import { connect, createServer, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { systemClock, type Timer } from "../../runtime/clock.ts";
import { unary } from "../service.ts";
import { execute, request, response } from "../testing/carrier_testing.ts";
import { GrpcDialer } from "./grpc_dialer.ts";
import { serveGrpc } from "./grpc_server.ts";
import { freeWhenClosed } from "./session_handles.ts";

/** Enough that what each leaves behind stands out from what a heap does by itself. */
const CONNECTIONS = 200;
/** Bytes of heap; it was twice as much before anything was freed, and is half as much now. */
const LEFT_BYTES_MAX = 3_500;
/** Whoever waits for a child hears no more of it after this. */
const LIFETIME_MS_MAX = 120_000;
/** Id of a request to measure the heap. */
const MEASURE = 1;

Deno.test("a session of node:http2 is where it is expected, and works until it is closed", async () => {
  const sessions: Http2Session[] = [];
  const found: boolean[] = [];
  const server = createServer((_request, response) => response.end("answer"));
  server.on("session", (session) => {
    sessions.push(session);
    found.push(freeWhenClosed(session));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const answer = client.request({ ":path": "/" });
  answer.setEncoding("utf8");
  assertEquals((await answer.toArray()).join(""), "answer");
  assertEquals(found, [true]);
  const closed = once(sessions[0] as Http2Session, "close");
  client.close();
  await closed;
  server.close();
  await once(server, "close");
});

Deno.test("what is no session of node:http2 is left alone", () => {
  assertFalse(freeWhenClosed({} as Http2Session));
});

Deno.test("a server keeps next to nothing of clients that have come and gone", async () => {
  const child = new Child(`
    import { serveGrpc } from "${import.meta.resolve("./grpc_server.ts")}";
    import { unary } from "${import.meta.resolve("../service.ts")}";
    import { execute, response } from "${import.meta.resolve("../testing/carrier_testing.ts")}";
    const route = unary(execute, ({ id }) => {
      if (id !== ${MEASURE}) return Promise.resolve(response(id));
      for (let i = 0; i < 3; i++) globalThis.gc();
      return Promise.resolve(response(Deno.memoryUsage().heapUsed));
    });
    const { address } = await serveGrpc({ address: "127.0.0.1:0", routes: [route] });
    console.log(address);`);
  const address = await child.line();
  const visit = async (id: number) => {
    await using dialer = new GrpcDialer({ endsWithProcess: true });
    const call = dialer.channel(address).unary(execute, request(id), { timeoutMs: 10_000 });
    return (await call).id;
  };
  const heapAfter = async (connections: number) => {
    for (let i = 0; i < connections; i++) await visit(0);
    return await visit(MEASURE);
  };
  try {
    const before = await heapAfter(CONNECTIONS / 4);
    const left = (await heapAfter(CONNECTIONS) - before) / CONNECTIONS;
    assert(left < LEFT_BYTES_MAX, `Each connection left ${left} bytes`);
  } finally {
    await child.kill();
  }
});

Deno.test("a client keeps next to nothing of connections that it has closed", async () => {
  const server = await serveGrpc({
    address: "127.0.0.1:0",
    routes: [unary(execute, ({ id }) => Promise.resolve(response(id)))],
  });
  const child = new Child(`
    import { GrpcDialer } from "${import.meta.resolve("./grpc_dialer.ts")}";
    import { execute, request } from "${import.meta.resolve("../testing/carrier_testing.ts")}";
    const heapAfter = async (connections) => {
      for (let i = 0; i < connections; i++) {
        await using dialer = new GrpcDialer({ endsWithProcess: true });
        await dialer.channel("${server.address}").unary(execute, request(i), { timeoutMs: 10_000 });
      }
      for (let i = 0; i < 3; i++) globalThis.gc();
      return Deno.memoryUsage().heapUsed;
    };
    const before = await heapAfter(${CONNECTIONS / 4});
    console.log((await heapAfter(${CONNECTIONS}) - before) / ${CONNECTIONS});`);
  try {
    const left = Number(await child.line());
    assert(left < LEFT_BYTES_MAX, `Each connection left ${left} bytes`);
  } finally {
    await child.kill();
    await server.close();
  }
});

/** A process that can be made to collect its garbage. */
class Child {
  readonly #process: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;
  readonly #timer: Timer;

  constructor(source: string) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--quiet", "--v8-flags=--expose-gc", source],
      cwd: import.meta.dirname ?? ".",
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#output = this.#process.stdout.getReader();
    this.#timer = systemClock.setTimer(() => this.#process.kill("SIGKILL"), LIFETIME_MS_MAX);
  }

  async line(): Promise<string> {
    return new TextDecoder().decode((await this.#output.read()).value).trim();
  }

  async kill(): Promise<void> {
    this.#timer.cancel();
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.#output.cancel();
  }
}
