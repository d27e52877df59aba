import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Clock, sleep, systemClock } from "../../runtime/clock.ts";
import { KvError } from "../errors.ts";
import { stream, unary } from "../service.ts";
import { execute, request, response, streamMethod } from "../testing/carrier_testing.ts";
import { GrpcDialer } from "./grpc_dialer.ts";
import { serveGrpc } from "./grpc_server.ts";

const TIMEOUT_MS = 10_000;
const routes = [unary(execute, ({ id }) => Promise.resolve(response(id)))];

Deno.test("GrpcDialer finds a server that was restarted", async () => {
  const first = await serveGrpc({ address: "127.0.0.1:0", routes });
  const { address } = first;
  const dialer = new GrpcDialer();
  const channel = dialer.channel(address);
  assertEquals((await channel.unary(execute, request(1), { timeoutMs: TIMEOUT_MS })).id, 1);
  await first.close();
  const down = await assertRejects(
    () => channel.unary(execute, request(2), { timeoutMs: TIMEOUT_MS }),
    KvError,
  );
  assertEquals(down.code, "UNAVAILABLE");
  const second = await serveGrpc({ address, routes });
  const start = systemClock.now();
  for (;;) {
    try {
      assertEquals((await channel.unary(execute, request(3), { timeoutMs: TIMEOUT_MS })).id, 3);
      break;
    } catch (error) {
      assert(error instanceof KvError && error.code === "UNAVAILABLE", String(error));
      assert(systemClock.now() - start < 5_000, "the server is up, the channel is not");
    }
  }
  await dialer.close();
  await second.close();
});

Deno.test("GrpcDialer speaks to host names and leaves addresses it only lists alone", async () => {
  const server = await serveGrpc({ address: "localhost:0", routes });
  const dialer = new GrpcDialer();
  dialer.channel("nowhere.invalid:1");
  const channel = dialer.channel(server.address);
  assertStringIncludes(server.address, "localhost:");
  assertEquals((await channel.unary(execute, request(1), { timeoutMs: TIMEOUT_MS })).id, 1);
  await dialer.close();
  await dialer.close();
  await server.close();
});

Deno.test("GrpcDialer answers UNAVAILABLE for a name that does not resolve", async () => {
  const dialer = new GrpcDialer();
  const call = dialer.channel("no-such-host.invalid:1").unary(execute, request(1), {
    timeoutMs: TIMEOUT_MS,
  });
  const error = await assertRejects(() => call, KvError, "no-such-host.invalid:1");
  assertEquals(error.code, "UNAVAILABLE");
  await dialer.close();
});

Deno.test("GrpcDialer closes at once where the process ends, though nobody listens", async () => {
  const waits: number[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer: (callback, delayMs) => {
      waits.push(delayMs);
      return systemClock.setTimer(callback, delayMs);
    },
  };
  const dialer = new GrpcDialer({ clock, endsWithProcess: true });
  const call = dialer.channel("127.0.0.1:1").unary(execute, request(1), { timeoutMs: TIMEOUT_MS });
  await assertRejects(() => call, KvError, "ECONNREFUSED");
  waits.length = 0;
  await dialer.close();
  assert(Math.max(...waits) <= 10, `It waits for ${waits} ms`);
  // What the process would have taken with it.
  await sleep(systemClock, 1_000);
});

Deno.test("GrpcDialer is not harmed by a server that is none", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"))
        .catch(() => {});
      connection.close();
    }
  })();
  const address = `127.0.0.1:${listener.addr.port}`;
  const dialer = new GrpcDialer();
  const channel = dialer.channel(address);
  const call = channel.unary(execute, request(1), { timeoutMs: 1_000 });
  const error = await assertRejects(() => call, KvError, address);
  assert(["UNAVAILABLE", "DEADLINE_EXCEEDED"].includes(error.code), error.code);
  await dialer.close();
  listener.close();
  await serving;
});

Deno.test("GrpcDialer gives up on a server that never answers when the deadline has passed", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of listener) connections.push(connection);
  })();
  const dialer = new GrpcDialer();
  const channel = dialer.channel(`127.0.0.1:${listener.addr.port}`);
  const call = channel.unary(execute, request(1), { timeoutMs: 100 });
  const error = await assertRejects(() => call, KvError);
  assertEquals(error.code, "DEADLINE_EXCEEDED");
  await dialer.close();
  listener.close();
  await serving;
  for (const connection of connections) connection.close();
});

Deno.test("GrpcDialer connects anew when somebody has accepted a connection and says nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let skipped = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + skipped };
  const dialer = new GrpcDialer({ clock });
  const address = `127.0.0.1:${listener.addr.port}`;
  const channel = dialer.channel(address);
  const call = (id: number, timeoutMs: number) =>
    channel.unary(execute, request(id), { timeoutMs });
  const first = assertRejects(() => call(1, 500), KvError);
  const mute = await listener.accept();
  await first;
  // The first call that finds it connecting; from here on the time counts.
  await assertRejects(() => call(2, 100), KvError);
  listener.close();
  const server = await serveGrpc({ address, routes });
  skipped = 6_000;
  assertEquals((await call(3, TIMEOUT_MS)).id, 3);
  await dialer.close();
  await server.close();
  mute.close();
});

Deno.test("GrpcDialer finds a server whose predecessor said hello and goodbye in one breath", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${listener.addr.port}`;
  const dialer = new GrpcDialer();
  const channel = dialer.channel(address);
  const call = (id: number) => channel.unary(execute, request(id), { timeoutMs: TIMEOUT_MS });
  const first = assertRejects(() => call(1), KvError);
  const leaving = await listener.accept();
  // RFC 9113: SETTINGS, and a GOAWAY that has seen no stream and knows of no error.
  const hello = [0, 0, 0, 4, 0, 0, 0, 0, 0];
  const goodbye = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  await leaving.write(Uint8Array.from([...hello, ...goodbye]));
  leaving.close();
  assertEquals((await first).code, "UNAVAILABLE");
  listener.close();
  const server = await serveGrpc({ address, routes });
  const start = systemClock.now();
  let answer: number | undefined;
  while (answer === undefined) {
    assert(systemClock.now() - start < 5_000, "the server is up, the channel is not");
    answer = await call(2).then(({ id }) => id, () => undefined);
  }
  assertEquals(answer, 2);
  await dialer.close();
  await server.close();
});

Deno.test("GrpcDialer notices within its keepalive that a server was stopped", async () => {
  const source = `
    import { serveGrpc } from "${import.meta.resolve("./grpc_server.ts")}";
    import { stream } from "${import.meta.resolve("../service.ts")}";
    import { KvServiceService } from "${import.meta.resolve("../../proto/gen/shardkv.ts")}";
    const echo = stream(KvServiceService.stream, async (call) => {
      for await (const { id } of call.requests) call.send({ ...${
    JSON.stringify(response(0))
  }, id });
    });
    const { address } = await serveGrpc({ address: "127.0.0.1:0", routes: [echo] });
    Deno.stdout.writeSync(new TextEncoder().encode(address));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", source],
    cwd: import.meta.dirname ?? ".",
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  const address = new TextDecoder().decode((await output.read()).value);
  const dialer = new GrpcDialer();
  const call = dialer.channel(address).stream(streamMethod);
  const responses = call.responses[Symbol.asyncIterator]();
  call.send(request(1));
  assertEquals((await responses.next()).value?.id, 1);
  child.kill("SIGSTOP");
  const start = systemClock.now();
  const error = await assertRejects(() => responses.next(), KvError, address);
  assertEquals(error.code, "UNAVAILABLE");
  assert(systemClock.now() - start < 4_000);
  child.kill("SIGKILL");
  await child.status;
  await output.cancel();
  await dialer.close();
});

Deno.test("GrpcDialer leaves nothing behind of a channel that is closed as it is first used", async () => {
  const server = await serveGrpc({ address: "127.0.0.1:0", routes });
  const dialer = new GrpcDialer();
  const call = dialer.channel(server.address).unary(execute, request(1), { timeoutMs: TIMEOUT_MS });
  const closed = dialer.close();
  assertEquals((await assertRejects(() => call, KvError)).code, "CANCELLED");
  await closed;
  assertEquals(server.connections, 0);
  await server.close();
});

Deno.test("GrpcDialer lets go of addresses that nobody uses, once there are others", async () => {
  const echo = stream(streamMethod, async (call) => {
    for await (const { id } of call.requests) call.send(response(id));
  });
  const left = await serveGrpc({ address: "127.0.0.1:0", routes });
  const kept = await serveGrpc({ address: "127.0.0.1:0", routes: [echo] });
  let skipped = 0;
  const clock = { ...systemClock, now: () => systemClock.now() + skipped };
  const dialer = new GrpcDialer({ clock });
  const call = (id: number) =>
    dialer.channel(left.address).unary(execute, request(id), { timeoutMs: TIMEOUT_MS });
  const lasting = dialer.channel(kept.address).stream(streamMethod);
  const answers = lasting.responses[Symbol.asyncIterator]();
  const ask = async (id: number) => {
    lasting.send(request(id));
    return (await answers.next()).value?.id;
  };
  await call(1);
  assertEquals(await ask(1), 1);
  const first = dialer.channel(left.address);
  const meet = (name: string, ms: number) => {
    skipped += ms;
    dialer.channel(name);
    return dialer.channel(left.address) === first;
  };
  assert(meet("one.invalid:1", 600_000), "nobody has found it without a call before");
  assert(meet("two.invalid:1", 50_000));
  await call(2);
  assert(meet("three.invalid:1", 50_000), "it was used");
  assert(!meet("four.invalid:1", 61_000));
  const deadline = systemClock.now() + 10_000;
  while (left.connections > 0) {
    assert(systemClock.now() < deadline, "The connection that nobody uses was not closed");
    await sleep(systemClock, 1);
  }
  assertEquals(await ask(2), 2, "a stream is a use for as long as it is open");
  assertEquals((await call(3)).id, 3);
  lasting.cancel();
  await dialer.close();
  await left.close();
  await kept.close();
});
