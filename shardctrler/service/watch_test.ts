import { assert, assertEquals, assertRejects } from "@std/assert";
import { ControllerServiceService } from "../../proto/gen/shardctrler.ts";
import { NONE } from "../../raft/types.ts";
import { KvError } from "../../rpc/errors.ts";
import { RequestMetrics } from "../../server/request_metrics.ts";
import { type Config, emptyConfig, type Gid } from "../configuration/config.ts";
import { ControllerCluster } from "../testing/controller_cluster.ts";
import { ConfigFeed } from "./config_feed.ts";
import type { ControllerLog } from "./controller_log.ts";
import { ControllerService } from "./controller_service.ts";

function servers(...gids: Gid[]): Map<Gid, string[]> {
  return new Map(gids.map((gid) => [gid, [`a${gid}:1`]]));
}

/** Collects what a watch yields. */
function collect(watch: AsyncIterable<Config>): { nums: number[]; done: Promise<void> } {
  const nums: number[] = [];
  const done = (async () => {
    for await (const config of watch) nums.push(config.num);
  })();
  return { nums, done };
}

/** A log that follows a leader and is asked for nothing else. */
const aloof = { status: () => ({ leader: 1 }) } as unknown as ControllerLog;

Deno.test("CtrlerClerk.watch() gives every configuration in order, old ones first", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  for (const gid of [1, 2, 3]) await cluster.run(clerk.join(servers(gid)));
  const stop = new AbortController();
  const { nums, done } = collect(clerk.watch({ from: 1, signal: stop.signal }));
  await cluster.clock.advanceUntil(() => nums.length === 3, 5_000);
  for (const gid of [4, 5]) await cluster.run(clerk.join(servers(gid)));
  await cluster.clock.advanceUntil(() => nums.length === 5, 5_000);
  assertEquals(nums, [1, 2, 3, 4, 5]);
  stop.abort();
  await cluster.run(done);
});

Deno.test("CtrlerClerk.watch() skips to the latest if asked to", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  for (const gid of [1, 2, 3]) await cluster.run(clerk.join(servers(gid)));
  const stop = new AbortController();
  const { nums, done } = collect(clerk.watch({ from: 0, latest: true, signal: stop.signal }));
  await cluster.clock.advanceUntil(() => nums.length > 0, 5_000);
  assertEquals(nums, [3]);
  await cluster.run(clerk.join(servers(4)));
  await cluster.clock.advanceUntil(() => nums.length > 1, 5_000);
  assertEquals(nums, [3, 4]);
  stop.abort();
  await cluster.run(done);
});

Deno.test("CtrlerClerk.watch() goes on with another controller when its own dies or is cut off", async () => {
  await using cluster = await ControllerCluster.start(3);
  const clerk = cluster.clerk();
  const stop = new AbortController();
  const { nums, done } = collect(clerk.watch({ from: 1, signal: stop.signal }));
  let gid = 0;
  for (const position of [0, 1, 2]) {
    await cluster.crash(position);
    await cluster.run(cluster.clerk().join(servers(++gid)));
    await cluster.clock.advanceUntil(() => nums.length === gid, 10_000);
    await cluster.restart(position);
    await cluster.clock.advance(3_000);
  }
  for (const position of [0, 1, 2]) {
    cluster.isolate(position);
    await cluster.run(cluster.clerk().join(servers(++gid)));
    await cluster.clock.advanceUntil(() => nums.length === gid, 10_000);
    cluster.isolate(position, false);
    await cluster.clock.advance(3_000);
  }
  assertEquals(nums, [1, 2, 3, 4, 5, 6]);
  stop.abort();
  await cluster.run(done);
});

Deno.test("CtrlerClerk.watch() ends quietly when its signal aborts, whatever the servers do", async () => {
  await using cluster = await ControllerCluster.start(1);
  await cluster.shutdown(0);
  const stop = new AbortController();
  const watch = collect(cluster.clerk().watch({ from: 0, signal: stop.signal }));
  await cluster.clock.advance(5_000);
  stop.abort();
  await cluster.run(watch.done);
  assertEquals(watch.nums, []);
  const late = collect(cluster.clerk().watch({ from: 0, signal: AbortSignal.abort() }));
  await cluster.run(late.done);
});

Deno.test("Watch ends with an error when the node stops or its request makes no sense", async () => {
  await using cluster = await ControllerCluster.start(1);
  const channel = cluster.dialer().channel("ctrl-0:1");
  const endOf = async (next: number, isStopping: boolean): Promise<string> => {
    const stream = channel.stream(ControllerServiceService.watch);
    stream.send({ next, latest: false });
    const end = (async () => {
      for await (const response of stream.responses) assert(response.config);
      return "end";
    })().catch((error: KvError) => `${error.code}: ${error.message}`);
    await cluster.clock.advance(100);
    if (isStopping) await cluster.run(cluster.node(0).stop());
    return await cluster.run(end);
  };
  assertEquals(
    await endOf(-1, false),
    "INVALID_ARGUMENT: Cannot watch from -1: it must be 0 or more",
  );
  assertEquals(await endOf(1, true), "UNAVAILABLE: Cannot watch: the node is stopping");
});

Deno.test("Watch sends nobody to wait at a node that knows of no leader", async () => {
  await using cluster = await ControllerCluster.start(1);
  const feed = new ConfigFeed();
  feed.publish({ ...emptyConfig(1), num: 5 });
  const log = { status: () => ({ leader: NONE }) } as unknown as ControllerLog;
  const requests = new RequestMetrics(cluster.clock);
  const service = new ControllerService({ log, feed, requests });
  const server = cluster.network.serve("lonely:1", service.routes);
  const stream = cluster.dialer().channel("lonely:1").stream(ControllerServiceService.watch);
  const responses = stream.responses[Symbol.asyncIterator]();
  stream.send({ next: 5, latest: true });
  const known = await cluster.run(responses.next());
  assertEquals(known.value?.config?.num, 5, "what exists can be told all the same");
  stream.send({ next: 6, latest: true });
  const error = await assertRejects(() => cluster.run(responses.next()), KvError);
  assertEquals(error.code, "NOT_LEADER");
  server.close();
});

Deno.test("Query does not take the latest configuration for one that is still to come", async () => {
  await using cluster = await ControllerCluster.start(1);
  const clerk = cluster.clerk();
  await cluster.run(clerk.join(servers(1)));
  assertEquals((await cluster.run(clerk.query(1))).num, 1);
  const error = await assertRejects(() => cluster.run(clerk.query(2)), KvError);
  assertEquals([error.code, error.message], [
    "NOT_FOUND",
    "Cannot find configuration 2: the latest is 1",
  ]);
});

Deno.test("Watch refuses more streams than it is allowed, and takes new ones as old ones end", async () => {
  await using cluster = await ControllerCluster.start(1);
  const feed = new ConfigFeed();
  const requests = new RequestMetrics(cluster.clock);
  const service = new ControllerService({ log: aloof, feed, requests, watchersMax: 2 });
  const server = cluster.network.serve("watched:1", service.routes);
  const channel = cluster.dialer().channel("watched:1");
  const open = () => {
    const stream = channel.stream(ControllerServiceService.watch);
    stream.send({ next: 0, latest: true });
    const first = stream.responses[Symbol.asyncIterator]().next()
      .then(({ value }) => value?.config?.num, (error: KvError) => error.code);
    return { stream, first };
  };
  const [one, two] = [open(), open()];
  await cluster.clock.advance(10);
  assertEquals(service.watchers, 2);
  assertEquals(await cluster.run(open().first), "OVERLOADED");
  one.stream.cancel();
  assertEquals(await cluster.run(one.first), "CANCELLED");
  await cluster.clock.advance(10);
  const three = open();
  await cluster.clock.advance(10);
  feed.publish({ ...emptyConfig(1), num: 5 });
  assertEquals(await cluster.run(Promise.all([two.first, three.first])), [5, 5]);
  service.close();
  await cluster.clock.advance(10);
  assertEquals(service.watchers, 0);
  server.close();
});
