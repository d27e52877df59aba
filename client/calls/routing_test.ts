import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { type Config, emptyConfig, type Gid } from "../../shardctrler/configuration/config.ts";
import { Router } from "./routing.ts";

const SHARD = 0;
const PLACE = { shard: SHARD, gid: 2, servers: ["b:1"] };

/** A router of one shard, which knows configuration 1, in which the shard is group 1's. */
async function start() {
  const timeouts: (number | undefined)[] = [];
  let latest = configOf(1, 1);
  const router = new Router({
    source: {
      query: (_, call) => {
        timeouts.push(call?.timeoutMs);
        return Promise.resolve(latest);
      },
    },
    clock: new VirtualClock(),
    timeoutMs: 10_000,
    signal: new AbortController().signal,
  });
  await router.refresh();
  const enter = async (config: Config) => {
    latest = config;
    await router.refresh();
  };
  return { router, enter, timeouts };
}

/** The shard is the group's, of groups 1, 2 and 3. */
function configOf(num: number, owner: Gid, servers: [Gid, string[]][] = []): Config {
  const groups = new Map<Gid, string[]>([[1, ["a:1"]], [2, ["b:1"]], [3, ["c:1"]], ...servers]);
  return { ...emptyConfig(1), num, shards: [owner], groups };
}

Deno.test("Router does not go back to a configuration that a controller still takes for the latest", async () => {
  const { router, enter } = await start();
  await enter(configOf(3, 3));
  await enter(configOf(2, 2));
  assertEquals([router.config?.num, router.gidOf(SHARD)], [3, 3]);
});

Deno.test("Router asks who was named until that group refuses, or its owner is named", async () => {
  const { router } = await start();
  router.refused({ gid: 1, configNum: 1, places: [PLACE] }, [SHARD], false);
  assertEquals([router.gidOf(SHARD), router.isDetour(SHARD)], [2, true]);
  router.refused({ gid: 2, configNum: 1, places: [] }, [SHARD], false);
  assertEquals([router.gidOf(SHARD), router.isDetour(SHARD)], [1, false]);
  router.refused({ gid: 1, configNum: 1, places: [PLACE] }, [SHARD], false);
  const owner = { shard: SHARD, gid: 1, servers: ["a:1"] };
  router.refused({ gid: 3, configNum: 1, places: [owner] }, [SHARD], false);
  assertEquals([router.gidOf(SHARD), router.isDetour(SHARD)], [1, false]);
});

Deno.test("Router sends nobody to a group without servers", async () => {
  const { router } = await start();
  const nowhere = { shard: SHARD, gid: 9, servers: [] };
  router.refused({ gid: 1, configNum: 1, places: [nowhere] }, [SHARD], false);
  assertEquals(router.gidOf(SHARD), 1);
});

Deno.test("Router sends nobody to a group that has given the shard away in this configuration or a later one", async () => {
  for (const configNum of [1, 2]) {
    const { router, enter } = await start();
    router.refused({ gid: 2, configNum, places: [] }, [SHARD], true);
    const isTold = () => {
      router.refused({ gid: 1, configNum: 1, places: [PLACE] }, [SHARD], false);
      return router.isDetour(SHARD);
    };
    assertEquals(isTold(), false);
    await enter(configOf(2, 1));
    assertEquals(isTold(), configNum < 2);
    await enter(configOf(3, 1));
    assertEquals(isTold(), true, "it may have got the shard since");
  }
});

Deno.test("Router believes an owner rather than a group that is behind", async () => {
  const { router, enter } = await start();
  await enter(configOf(2, 1));
  router.refused({ gid: 2, configNum: 1, places: [] }, [SHARD], true);
  router.refused({ gid: 1, configNum: 2, places: [PLACE] }, [SHARD], false);
  assertEquals(router.gidOf(SHARD), 2);
});

Deno.test("Router forgets who was named with the next configuration", async () => {
  const { router, enter } = await start();
  router.refused({ gid: 1, configNum: 1, places: [PLACE] }, [SHARD], false);
  await enter(configOf(2, 3));
  assertEquals([router.gidOf(SHARD), router.isDetour(SHARD)], [3, false]);
});

Deno.test("Router.forgetDetours() says whether the group was named", async () => {
  const { router } = await start();
  assertEquals(router.forgetDetours(2), false);
  router.refused({ gid: 1, configNum: 1, places: [PLACE] }, [SHARD], false);
  assertEquals([router.forgetDetours(2), router.gidOf(SHARD)], [true, 1]);
});

Deno.test("Router.replicas() follows a group to new servers, also past a time in which it was gone", async () => {
  const { router, enter } = await start();
  assertEquals(router.replicas(2)?.addresses, ["b:1"]);
  await enter(configOf(2, 1, [[2, ["b:2"]]]));
  assertEquals(router.replicas(2)?.addresses, ["b:2"]);
  await enter(configOf(3, 1, [[2, []]]));
  assertEquals(router.replicas(2), undefined);
  const place = { ...PLACE, servers: ["b:3"] };
  router.refused({ gid: 1, configNum: 3, places: [place] }, [SHARD], false);
  assertEquals(router.replicas(2)?.addresses, ["b:3"], "only the shard's owner has named it");
});

Deno.test("Router.refresh() gives the controllers no more time than it is told", async () => {
  const { router, timeouts } = await start();
  await router.refresh(500);
  await router.refresh(20_000);
  assertEquals(timeouts, [10_000, 500, 10_000]);
});
