/** What every carrier must do, as tests; each carrier's `_test.ts` runs them against itself. */
import { assert, assertEquals } from "@std/assert";
import { stream, unary } from "./service.ts";
import {
  collect,
  type ConformanceTest,
  endless,
  execute,
  PATIENCE_MS,
  rejection,
  request,
  response,
  type StartCarrier,
  streamMethod,
  type Unary,
} from "./testing/carrier_testing.ts";
import { streamTests } from "./testing/stream_conformance.ts";
import { unaryTests } from "./testing/unary_conformance.ts";

/** Registers the suite under the carrier's name. */
export function testCarrier(name: string, start: StartCarrier): void {
  for (const [title, run] of [...unaryTests, ...streamTests, ...lifecycleTests]) {
    Deno.test(`${name} ${title}`, () => run(start));
  }
}

const lifecycleTests: ConformanceTest[] = [
  ["breaks streams with UNAVAILABLE when the server closes", async (start) => {
    const { handler, entered, aborted } = endless();
    const { address, dialer, closeServer } = await start([stream(streamMethod, handler)]);
    const call = dialer.channel(address).stream(streamMethod);
    call.send(request(1));
    await entered;
    const error = rejection(collect(call.responses));
    await closeServer();
    assertEquals((await error).code, "UNAVAILABLE");
    await aborted;
    await dialer.close();
  }],
  ["gives up calls under way when the dialer closes", async (start) => {
    const aborted = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const handler: Unary = (_request, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve());
      entered.resolve();
      return new Promise(() => {});
    };
    const { address, dialer, closeServer } = await start([unary(execute, handler)]);
    const channel = dialer.channel(address);
    const call = rejection(channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS }));
    await entered.promise;
    await dialer.close();
    assertEquals((await call).code, "CANCELLED");
    await aborted.promise;
    const late = rejection(channel.unary(execute, request(1), { timeoutMs: PATIENCE_MS }));
    assertEquals((await late).code, "CANCELLED");
    const last = collect(dialer.channel(address).stream(streamMethod).responses);
    assertEquals((await rejection(last)).code, "CANCELLED");
    await closeServer();
    await closeServer();
  }],
  ["shares one channel per address until it is forgotten", async (start) => {
    const { address, dialer, closeServer } = await start([
      unary(execute, () => Promise.resolve(response(3))),
    ]);
    const first = dialer.channel(address);
    assert(first === dialer.channel(address));
    assertEquals((await first.unary(execute, request(1), { timeoutMs: PATIENCE_MS })).id, 3);
    dialer.forget(address);
    const second = dialer.channel(address);
    assert(second !== first);
    assertEquals((await second.unary(execute, request(1), { timeoutMs: PATIENCE_MS })).id, 3);
    await dialer.close();
    await closeServer();
  }],
];
