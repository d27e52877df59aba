import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { systemClock } from "../runtime/clock.ts";
import { VirtualClock } from "../runtime/virtual_clock.ts";
import { serveHttp } from "./web_server.ts";

const host = "127.0.0.1";

Deno.test("serveHttp() answers with the handler and tells it where requests come from", async () => {
  const handler = (request: Request, peer: string) =>
    Promise.resolve(new Response(`${new URL(request.url).pathname} ${peer}`));
  const server = serveHttp({ host, port: 0, handler, clock: systemClock });
  assertMatch(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assertEquals(await (await fetch(`${server.url}/a`)).text(), "/a 127.0.0.1");
  const port = Number(new URL(server.url).port);
  const error = assertThrows(() => serveHttp({ host, port, handler, clock: systemClock }), Error);
  assertMatch(error.message, /^Cannot listen on 127\.0\.0\.1:\d+: the port is in use; .* -port$/);
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
  const server = serveHttp({ host, port: 0, handler, clock });
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
