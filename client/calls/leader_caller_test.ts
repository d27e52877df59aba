import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShardCtrlerServiceService } from "../../proto/gen/shardctrler.ts";
import { type ErrorCode, KvError } from "../../rpc/errors.ts";
import { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import { type Route, unary } from "../../rpc/service.ts";
import { createPrng } from "../../runtime/prng.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { DeadlineError } from "./deadline_error.ts";
import { type LeaderCall, LeaderCaller } from "./leader_caller.ts";

const SERVERS = ["a:1", "b:1", "c:1"];
const method = ShardCtrlerServiceService.command;
const REQUEST = {
  servers: {},
  gids: [],
  shard: 0,
  gid: 0,
  num: 0,
  op: 0,
  clientId: "0",
  commandId: 0,
};
const never = new AbortController().signal;

/** Three servers that answer as they are told, and a caller of theirs. */
class Fixture {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly dialer = this.network.dialer();
  readonly caller = new LeaderCaller({
    servers: SERVERS,
    dialer: this.dialer,
    clock: this.clock,
    prng: createPrng(1),
  });
  /** Servers in the order they were called. */
  readonly called: string[] = [];

  serve(address: string, answer: () => Promise<string>): void {
    const route: Route = unary(method, async () => {
      this.called.push(address);
      return { err: await answer(), config: undefined };
    });
    this.network.serve(address, [route]);
  }

  fail(address: string, code: ErrorCode, leader?: string): void {
    this.serve(address, () => Promise.reject(new KvError(code, `${code} here`, { leader })));
  }

  call(overrides: Partial<LeaderCall<string>> = {}): Promise<string> {
    const promise = this.caller.call({
      what: "test",
      kind: "write",
      timeoutMs: 10_000,
      signal: never,
      attempt: async (channel, options) => (await channel.unary(method, REQUEST, options)).err,
      ...overrides,
    });
    return this.clock.resolve(promise, 60_000);
  }

  async deadlineError(overrides: Partial<LeaderCall<string>> = {}): Promise<DeadlineError> {
    const error = await assertRejects(() => this.call({ timeoutMs: 2_000, ...overrides }));
    assert(error instanceof DeadlineError, String(error));
    return error;
  }
}

Deno.test("LeaderCaller follows the hint to the leader and remembers it", async () => {
  const fixture = new Fixture();
  fixture.fail("a:1", "NOT_LEADER", "c:1");
  fixture.serve("c:1", () => Promise.resolve("done"));
  assertEquals(await fixture.call(), "done");
  assertEquals(await fixture.call(), "done");
  assertEquals(fixture.called, ["a:1", "c:1", "c:1"]);
});

Deno.test("LeaderCaller asks the next server when one is down, full or without a leader", async () => {
  const fixture = new Fixture();
  fixture.fail("b:1", "NOT_LEADER");
  fixture.serve("c:1", () => Promise.resolve("done"));
  assertEquals(await fixture.call(), "done");
  assertEquals(fixture.called, ["b:1", "c:1"]);
});

Deno.test("LeaderCaller begins with who answered last", async () => {
  const fixture = new Fixture();
  fixture.fail("a:1", "NOT_LEADER");
  fixture.serve("b:1", () => Promise.resolve("done"));
  await fixture.call();
  await fixture.call();
  assertEquals(fixture.called, ["a:1", "b:1", "b:1"]);
});

Deno.test("LeaderCaller begins with who was named last, though it ran out of time there", async () => {
  const fixture = new Fixture();
  fixture.fail("a:1", "NOT_LEADER", "c:1");
  fixture.serve("c:1", () => new Promise(() => {}));
  await fixture.deadlineError();
  assertEquals(fixture.caller.preferred, "c:1");
});

Deno.test("LeaderCaller does not wait all its time for a server that hangs", async () => {
  const fixture = new Fixture();
  fixture.serve("a:1", () => new Promise(() => {}));
  fixture.serve("b:1", () => Promise.resolve("done"));
  assertEquals(await fixture.call(), "done");
  assert(fixture.clock.now() <= 3_100, `it took ${fixture.clock.now()} ms`);
});

Deno.test("LeaderCaller follows hints outside of its list", async () => {
  const fixture = new Fixture();
  fixture.fail("a:1", "NOT_LEADER", "d:1");
  fixture.serve("d:1", () => Promise.resolve("done"));
  assertEquals(await fixture.call(), "done");
});

Deno.test("LeaderCaller does not spin between servers that point at each other", async () => {
  const fixture = new Fixture();
  fixture.fail("a:1", "NOT_LEADER", "b:1");
  fixture.fail("b:1", "NOT_LEADER", "a:1");
  const error = await fixture.deadlineError();
  assertEquals(error.maybe, false);
  assert(fixture.called.length < 80, `${fixture.called.length} calls in 2 s`);
  assertEquals(fixture.clock.now(), 2_000);
});

Deno.test("LeaderCaller does not repeat what cannot succeed", async () => {
  const fixture = new Fixture();
  fixture.fail("a:1", "INVALID_ARGUMENT");
  await assertRejects(() => fixture.call(), KvError, "INVALID_ARGUMENT here");
  assertEquals(fixture.called.length, 1);
});

Deno.test("LeaderCaller says at the deadline what it tried and that nothing happened", async () => {
  const fixture = new Fixture();
  fixture.fail("b:1", "NOT_LEADER");
  const error = await fixture.deadlineError();
  assertEquals(error.code, "DEADLINE_EXCEEDED");
  assertEquals(error.maybe, false);
  assertEquals(error.tried.map(({ address, stage }) => [address, stage]), [
    ["a:1", "connect"],
    ["b:1", "leader"],
    ["c:1", "connect"],
  ]);
  assert(
    error.message.startsWith("Cannot finish test within 2000 ms: it had no effect; tried a:1"),
  );
});

Deno.test("LeaderCaller says at the deadline that a write may have happened, never a read", async () => {
  const fixture = new Fixture();
  fixture.serve("a:1", () => new Promise(() => {}));
  fixture.fail("b:1", "LEADERSHIP_LOST");
  assertEquals((await fixture.deadlineError()).maybe, true);
  const read = await fixture.deadlineError({ kind: "read" });
  assertEquals(read.maybe, false);
  assert(read.message.startsWith("Cannot finish test within 2000 ms: tried a:1 (answer: "));
});

Deno.test("LeaderCaller does not forget that a write may have happened, whatever comes later", async () => {
  const fixture = new Fixture();
  fixture.serve("a:1", () => {
    const isFirst = fixture.called.length === 1;
    return Promise.reject(new KvError(isFirst ? "LEADERSHIP_LOST" : "NOT_LEADER", "Not here"));
  });
  assertEquals((await fixture.deadlineError()).maybe, true);
  assertEquals((await fixture.deadlineError()).maybe, false, "that was another call");
});

Deno.test("LeaderCaller gives up at once when its signal aborts", async () => {
  const fixture = new Fixture();
  const stop = new AbortController();
  fixture.serve("a:1", () => new Promise(() => {}));
  const call = assertRejects(() => fixture.call({ signal: stop.signal }), KvError, "gave it up");
  stop.abort();
  assertEquals((await call).code, "CANCELLED");
  assert(fixture.clock.now() < 100);
});
