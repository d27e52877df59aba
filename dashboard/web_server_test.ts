import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { systemClock } from "../runtime/clock.ts";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import { TestHandler } from "./http/handler_testing.ts";
import { serveHttp } from "./web_server.ts";

const HOST = "127.0.0.1";

Deno.test("serveHttp() answers with the handler and tells it where requests come from", async () => {
  const handler = (request: Request, peer: string) =>
    Promise.resolve(new Response(`${new URL(request.url).pathname} ${peer}`));
  const server = serveHttp({ host: HOST, port: 0, handler, clock: systemClock });
  assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(await (await fetch(`${server.url}/a`)).text(), "/a 127.0.0.1");
  const port = Number(new URL(server.url).port);
  const error = assertThrows(
    () => serveHttp({ host: HOST, port, handler, clock: systemClock }),
    Error,
  );
  assertMatch(error.message, /^Cannot listen on 127\.0\.0\.1:\d+: the port is in use; .* -port$/);
  await server.close();
});

Deno.test("A Host header that is none is refused like any other bad request", async () => {
  using it = new TestHandler();
  const server = serveHttp({ host: HOST, port: 0, handler: it.answer, clock: systemClock });
  const port = Number(new URL(server.url).port);
  for (const name of ["[", "a b", "%zz", "localhost:99999"]) {
    const connection = await Deno.connect({ hostname: HOST, port });
    const request = `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const answer = await new Response(connection.readable).text();
    assertMatch(answer, /^HTTP\/1\.1 400 /, name);
    assertMatch(answer, /content-security-policy: default-src 'none'/i, name);
    assertMatch(
      answer,
      /\{"error":\{"code":"INVALID_ARGUMENT","message":"Cannot read the URL /,
      name,
    );
  }
  assertEquals(it.errors, []);
  await server.close();
});

Deno.test("A server that closes waits for answers under way, but not for ever", async () => {
  const gate = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  const clock = new VirtualClock();
  const handler = () => {
    asked.resolve();
    return gate.promise;
  };
  const server = serveHttp({ host: HOST, port: 0, handler, clock });
  const response = fetch(server.url);
  await asked.promise;
  let isClosed = false;
  const closing = server.close().then(() => isClosed = true);
  await clock.advance(900);
  assert(!isClosed);
  await clock.advance(200);
  await closing;
  gate.resolve(new Response("late"));
  assertEquals(await (await response).text(), "late");
  await server.close();
});
