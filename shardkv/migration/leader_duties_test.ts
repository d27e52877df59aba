import { assertEquals, assertStringIncludes } from "@std/assert";
import { sleep } from "../../runtime/clock.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { keyIn } from "../testing/machine_harness.ts";
import { StoreCluster } from "../testing/store_cluster.ts";

const [SOURCE, GAINER, DEAD] = [100, 200, 300];
/** Nothing of what was not synced is left. */
const losingAll = { below: () => 0, next: () => 0 };

Deno.test("a leader that applies its log past a move does not begin that move again", async () => {
  await using store = await StoreCluster.start({
    shards: 2,
    gids: [SOURCE, GAINER],
    delayMs: 1,
    tuning: { limits: { valueBytesMax: 1 << 20, chunkBytes: 1 } },
  });
  await store.join(SOURCE);
  for (let i = 0; i < 150; i++) {
    await store.run(store.clerk.put(keyIn(0, 2, i), "v"));
    await store.run(store.clerk.put(keyIn(1, 2, i), "v"));
  }
  await store.join(GAINER);
  await store.settle(SOURCE, GAINER);
  const { shards } = await store.run(store.admin.query());
  const moved = shards.indexOf(GAINER);

  const replica = store.replica(GAINER, 0);
  const crashed = replica.engine.crash(losingAll);
  await store.stop(GAINER, 0);
  // The disk is slow after the power cut: the log is applied in several steps.
  const write = crashed.write.bind(crashed);
  let isSlow = true;
  crashed.write = async (batch, options) => {
    if (isSlow && !options.sync) await sleep(store.ctrl.clock, 2_500);
    return await write(batch, options);
  };
  replica.engine = crashed;
  await store.start(GAINER, 0);
  await store.ctrl.clock.advance(20_000);
  isSlow = false;
  await store.settle(SOURCE, GAINER);

  // Whoever is still at the old move would never begin a new one of the same shard.
  for (const gid of [SOURCE, GAINER]) {
    await store.run(store.admin.move(moved, gid));
    await store.settle(SOURCE, GAINER);
  }
  assertEquals(store.failures, []);
});

Deno.test("shards of a group arrive although another one that gives some away is down", async () => {
  await using store = await StoreCluster.start({ shards: 24, gids: [SOURCE, DEAD, GAINER] });
  await store.join(SOURCE);
  await store.join(DEAD);
  await store.settle(SOURCE, DEAD);
  const { shards: before } = await store.run(store.admin.query());
  await store.stop(DEAD, 0);
  const { shards: after } = await store.join(GAINER);
  await store.ctrl.clock.advance(30_000);
  const { shards } = store.node(GAINER).status();
  const isServed = (gid: number) =>
    shards.filter(({ shardId }) => before[shardId] === gid && after[shardId] === GAINER)
      .map(({ status }) => status === "Serving");
  assertEquals(isServed(SOURCE), [true, true, true, true]);
  assertEquals(isServed(DEAD), [false, false, false, false]);
});

Deno.test("a leader says so when the controllers are silent for long, now and then", async () => {
  const told: string[] = [];
  await using store = await StoreCluster.start({
    shards: 2,
    gids: [SOURCE],
    logger: {
      ...silentLogger,
      warn: (message, fields) => told.push(`${message}: ${fields?.["error"]}`),
    },
  });
  const { ctrl } = store;
  await store.join(SOURCE);
  await store.settle(SOURCE);
  // A restart is no news, and neither is the next one after a while.
  for (let i = 0; i < 2; i++) {
    await ctrl.shutdown(0);
    await ctrl.clock.advance(8_000);
    await ctrl.restart(0);
    await ctrl.clock.advance(30_000);
  }
  assertEquals(told, []);

  await ctrl.shutdown(0);
  await ctrl.clock.advance(20_000);
  assertEquals(told.length, 1);
  assertStringIncludes(told[0] ?? "", "No controller answers: ");
  assertStringIncludes(told[0] ?? "", `tried ${ctrl.addresses.join()}`);
  await ctrl.clock.advance(60_000);
  assertEquals(told.length, 3);
});
