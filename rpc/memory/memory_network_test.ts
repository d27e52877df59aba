import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { systemClock } from "../../runtime/clock.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { testCarrier } from "../carrier_conformance.ts";
import { KvError } from "../errors.ts";
import { MEMORY_QUEUE_MESSAGES_MAX } from "../limits.ts";
import { stream, unary } from "../service.ts";
import {
  execute,
  request,
  response,
  type Stream,
  streamMethod,
} from "../testing/carrier_testing.ts";
import { MemoryNetwork, type MemoryNetworkOptions } from "./memory_network.ts";

testCarrier("MemoryNetwork", (routes) => {
  const network = new MemoryNetwork({ clock: systemClock });
  const server = network.serve("server:1", routes);
  const closeServer = () => {
    server.close();
    return Promise.resolve();
  };
  return Promise.resolve({ address: server.address, dialer: network.dialer(), closeServer });
});

function startEcho(options: Partial<MemoryNetworkOptions> = {}) {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, ...options });
  let handled = 0;
  const aborted: unknown[] = [];
  const handler: Stream = async (call) => {
    call.signal.addEventListener("abort", () => aborted.push(call.signal.reason.code));
    for await (const { id } of call.requests) call.send(response(id));
  };
  const server = network.serve("s:1", [
    unary(execute, ({ id }) => {
      handled++;
      return Promise.resolve(response(id));
    }),
    stream(streamMethod, handler),
  ]);
  const channel = network.dialer("c").channel("s:1");
  return { clock, network, server, channel, aborted, handled: () => handled };
}

Deno.test("MemoryNetwork needs no time at all by itself", async () => {
  const { clock, channel } = startEcho();
  assertEquals((await channel.unary(execute, request(3), { timeoutMs: 100 })).id, 3);
  assertEquals([clock.now(), clock.pending], [0, 0]);
});

Deno.test("MemoryNetwork.cut() loses a request, and the caller learns by its keepalive", async () => {
  const { clock, network, channel, handled } = startEcho();
  network.cut("c", "s:1");
  const call = channel.unary(execute, request(1), { timeoutMs: 10_000 });
  const outcome = assertRejects(() => call, KvError, "the connection was lost");
  await clock.advance(1_999);
  assertEquals(clock.pending, 2);
  await clock.advance(1);
  assertEquals([(await outcome).code, handled(), clock.pending], ["UNAVAILABLE", 0, 0]);
});

Deno.test("MemoryNetwork.cut() one way loses the answer to what was done", async () => {
  const { clock, network, channel, handled } = startEcho();
  network.cut("s:1", "c");
  const call = channel.unary(execute, request(1), { timeoutMs: 500 });
  const outcome = assertRejects(() => call, KvError, "no answer within 500 ms");
  await clock.advance(500);
  assertEquals([(await outcome).code, handled()], ["DEADLINE_EXCEEDED", 1]);
});

Deno.test("MemoryNetwork.heal() lets new calls through; a stream that lost a message is broken", async () => {
  const { clock, network, channel, aborted } = startEcho();
  const call = channel.stream(streamMethod);
  const responses = call.responses[Symbol.asyncIterator]();
  call.send(request(1));
  assertEquals((await responses.next()).value?.id, 1);
  network.cut("c", "s:1");
  call.send(request(2));
  network.heal();
  // Nothing gets past the gap, as on a connection.
  call.send(request(3));
  const outcome = assertRejects(() => responses.next(), KvError);
  await clock.advance(2_000);
  assertEquals([(await outcome).code, aborted], ["UNAVAILABLE", ["UNAVAILABLE"]]);
  assertEquals((await channel.unary(execute, request(4), { timeoutMs: 100 })).id, 4);
  network.cut("c", "s:1");
  network.heal("c", "s:1");
  assertEquals((await channel.unary(execute, request(5), { timeoutMs: 100 })).id, 5);
});

Deno.test("MemoryNetwork lets a server notice a caller that gave up behind a cut", async () => {
  const { clock, network, channel, aborted } = startEcho();
  const call = channel.stream(streamMethod);
  call.send(request(1));
  await clock.advance(0);
  network.cut("c", "s:1");
  call.cancel();
  await clock.advance(1_999);
  assertEquals(aborted, []);
  await clock.advance(1);
  assertEquals(aborted, ["UNAVAILABLE"]);
});

Deno.test("MemoryNetwork delays messages and never reorders a stream's", async () => {
  const delays = [30, 1, 20, 2, 0, 5];
  let messages = 0;
  const { clock, channel } = startEcho({
    delayMs: (from) => from === "c" ? delays[messages++ % delays.length] ?? 0 : 1,
  });
  const call = channel.stream(streamMethod);
  for (let id = 0; id < 20; id++) call.send(request(id));
  call.end();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { id } of call.responses) seen.push(id);
  })();
  await clock.advance(30);
  assert(seen.length < 20);
  await clock.advance(10);
  await reading;
  assertEquals(seen, Array.from({ length: 20 }, (_, id) => id));
  assertEquals(clock.pending, 0);
});

Deno.test("MemoryServer.close() breaks calls on both sides and frees the address", async () => {
  const { clock, network, server, channel, aborted } = startEcho();
  const call = channel.stream(streamMethod);
  call.send(request(1));
  const responses = call.responses[Symbol.asyncIterator]();
  await responses.next();
  assertThrows(() => network.serve("s:1", []), Error, "Cannot listen on s:1");
  server.close();
  await assertRejects(() => responses.next(), KvError, "s:1 stopped");
  assertEquals(aborted, ["UNAVAILABLE"]);
  const restarted = network.serve("s:1", [
    unary(execute, ({ id }) => Promise.resolve(response(id + 1))),
  ]);
  // The one before has no hold on the address any more.
  server.close();
  assertEquals((await channel.unary(execute, request(1), { timeoutMs: 10 })).id, 2);
  restarted.close();
  assertEquals(clock.pending, 0);
});

Deno.test("MemoryNetwork breaks a stream whose writer forgot the credit", async () => {
  const network = new MemoryNetwork({ clock: new VirtualClock() });
  const aborted = Promise.withResolvers<KvError>();
  network.serve("s:1", [
    stream(streamMethod, async ({ signal }) => {
      signal.addEventListener("abort", () => aborted.resolve(signal.reason));
      await aborted.promise;
    }),
  ]);
  const call = network.dialer().channel("s:1").stream(streamMethod);
  for (let id = 0; id <= MEMORY_QUEUE_MESSAGES_MAX; id++) call.send(request(id));
  const reading = (async () => {
    for await (const _ of call.responses);
  })();
  const { code } = await assertRejects(() => reading, KvError, "wait to be read");
  assertEquals([code, (await aborted.promise).code], ["OVERLOADED", "OVERLOADED"]);
});
