/** What strangers send that gRPC does not bear by itself. */
import { assert, assertEquals } from "@std/assert";
import http2 from "node:http2";
import { gzipSync } from "node:zlib";
import { stream, unary } from "../service.ts";
import {
  execute,
  PATIENCE_MS,
  request,
  response,
  streamMethod,
} from "../testing/carrier_testing.ts";
import { GrpcDialer } from "./grpc_dialer.ts";
import { type GrpcServer, serveGrpc } from "./grpc_server.ts";

const echo = unary(execute, ({ id }) => Promise.resolve(response(id)));

async function assertAnswers(server: GrpcServer): Promise<void> {
  const dialer = new GrpcDialer();
  const options = { timeoutMs: PATIENCE_MS };
  const { id } = await dialer.channel(server.address).unary(execute, request(5), options);
  assertEquals(id, 5);
  await dialer.close();
}

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.of(0, payload.length >> 8, payload.length, type, flags, 0, 0, 0, stream);
  return Buffer.concat([head, payload]);
}

/** Headers, none of them by reference (RFC 7541, section 6.2.2). */
function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) =>
      Buffer.from(
        `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`,
      )
    ),
  );
}

/** What a client says first, behind which `frames` come. */
async function send(server: GrpcServer, ...frames: Buffer[]): Promise<void> {
  const port = Number(server.address.split(":").at(-1));
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const begin = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await connection.write(Buffer.concat([begin, frame(4, 0, 0, Buffer.alloc(0))]));
  // The server has said something: its session is there.
  await connection.read(new Uint8Array(1_000));
  await connection.write(Buffer.concat(frames));
  await new Response(connection.readable).bytes().catch(() => {});
}

for (
  const [what, headers] of [
    ["an unknown method", { ":path": "/nobody.knows/This", "content-type": "application/grpc" }],
    ["another protocol", { ":path": execute.path, "content-type": "text/html" }],
  ] as const
) {
  Deno.test(`a call of ${what} whose connection breaks at once takes no server down`, async () => {
    const server = await serveGrpc({ address: "127.0.0.1:0", routes: [echo] });
    const block = headerBlock({
      ":method": "POST",
      ":scheme": "http",
      ":authority": "x",
      ...headers,
    });
    const protocolError = Buffer.from("0000000000000001", "hex");
    const [endHeaders, goAway] = [4, 7];
    await send(server, frame(1, endHeaders, 1, block), frame(goAway, 0, 0, protocolError));
    await assertAnswers(server);
    await server.close();
  });
}

Deno.test("a compressed message is refused and not made large", async () => {
  const server = await serveGrpc({ address: "127.0.0.1:0", routes: [echo] });
  const session = http2.connect(`http://${server.address}`);
  const call = session.request({
    ":method": "POST",
    ":path": execute.path,
    "content-type": "application/grpc",
    "grpc-encoding": "gzip",
  });
  const answered = new Promise<http2.IncomingHttpHeaders>((resolve) =>
    call.on("response", resolve)
  );
  const message = gzipSync(execute.requestSerialize(request(5)));
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(message.length, 1);
  call.end(Buffer.concat([head, message]));
  const headers = await answered;
  assertEquals(headers["grpc-status"], "12");
  assert(`${headers["grpc-message"]}`.includes("gzip"));
  call.resume();
  await new Promise<void>((resolve) => session.close(() => resolve()));
  await assertAnswers(server);
  await server.close();
});

Deno.test("a call in another protocol keeps no place, though its request never ends", async () => {
  const server = await serveGrpc({ address: "127.0.0.1:0", routes: [echo] });
  const session = http2.connect(`http://${server.address}`);
  const call = session.request({ ":method": "POST", ":path": execute.path, "content-type": "x/y" });
  const head = new Promise<http2.IncomingHttpHeaders>((resolve) => call.on("response", resolve));
  const closed = new Promise<boolean>((resolve) => {
    call.on("close", () => resolve(true));
    call.setTimeout(PATIENCE_MS, () => resolve(false));
  });
  call.resume();
  assertEquals(Number((await head)[":status"]), 415);
  assert(await closed, "The stream is reset");
  assertEquals(call.rstCode, http2.constants.NGHTTP2_NO_ERROR);
  await new Promise<void>((resolve) => session.close(() => resolve()));
  await assertAnswers(server);
  await server.close();
});

for (const [what, method] of [["unary call", execute], ["stream", streamMethod]] as const) {
  Deno.test(`a ${what} in another protocol is turned away, also if its name begins like gRPC's`, async () => {
    let answered = 0;
    const count = (id: number) => (answered++, response(id));
    const routes = [
      unary(execute, ({ id }) => Promise.resolve(count(id))),
      stream(streamMethod, async (call) => {
        for await (const { id } of call.requests) call.send(count(id));
      }),
    ];
    const server = await serveGrpc({ address: "127.0.0.1:0", routes });
    const session = http2.connect(`http://${server.address}`);
    const message = execute.requestSerialize(request(5));
    const body = Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message]);
    for (
      const [type, status] of [
        ["text/html", 415],
        ["application/grpc-web", 415],
        ["application/grpc-web+proto", 415],
        ["application/grpc", 200],
        ["application/grpc+proto", 200],
        ["application/grpc;x=y", 200],
      ] as const
    ) {
      const headers = { ":method": "POST", ":path": method.path, "content-type": type };
      const call = session.request(headers);
      const head = new Promise<http2.IncomingHttpHeaders>((resolve) =>
        call.on("response", resolve)
      );
      const ended = new Promise<void>((resolve) => call.on("close", resolve));
      call.resume();
      call.end(body);
      assertEquals(Number((await head)[":status"]), status, type);
      await ended;
    }
    assertEquals(answered, 3);
    await new Promise<void>((resolve) => session.close(() => resolve()));
    await server.close();
  });
}
