/** The page while the cluster changes: touches what changed, and keeps what it has when cut off. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createPrng } from "../../../runtime/prng.ts";
import type { ClusterState, StateDelta } from "../../../dashboard/api.ts";
import { PAGE_NAMES } from "../../../dashboard/web/route.ts";
import { browserTest } from "./browser_test_case.ts";
import { DashboardPage } from "./dashboard_page.ts";
import { FakeServer } from "./fake_server.ts";
import { aMomentLater, healthyState, smallCluster } from "./fake_states.ts";
import { longestTask } from "./longest_task.ts";
import { keepScreenshot } from "./page_checks.ts";

const huge = { ...smallCluster, groups: 8, shards: 1024 };
/** A reader notices a page that stands still for longer. */
const LONG_TASK_MS_MAX = 100;
const DELTAS = 4;

browserTest("a delta touches only what it changes", async (browser) => {
  const state = healthyState(smallCluster);
  await using server = new FakeServer({ state });
  await using tab = await DashboardPage.open(browser, server.url);
  await tab.show("shards");
  await tab.page.evaluate(() => {
    const touched: string[] = [];
    Object.assign(globalThis, { touched });
    new MutationObserver((records) => {
      for (const { target } of records) {
        const element = target instanceof Element ? target : target.parentElement;
        touched.push(element?.closest("tr")?.textContent ?? element?.className ?? "");
      }
    }).observe(document.querySelector(".shard-table tbody") ?? document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  });
  const changed = state.shards.map((shard) =>
    shard.shardId === 3 ? { ...shard, keys: 31_415 } : shard
  );
  const delta: StateDelta = {
    shards: changed.filter((shard) => shard.shardId === 3),
    updatedAt: state.updatedAt + 1000,
  };
  server.send(delta, { ...state, shards: changed });
  await tab.page.getByText("31,415").first().waitFor();
  const touched = await tab.page.evaluate(() =>
    (globalThis as unknown as { touched: string[] }).touched
  );
  assert(touched.length > 0);
  for (const row of touched) assertMatch(row, /^3.*31,415/);
});

browserTest(
  "what came last stays when the server goes, and the page comes back",
  async (browser) => {
    const state = healthyState(smallCluster);
    await using server = new FakeServer({ state });
    await using tab = await DashboardPage.open(browser, server.url);
    const { page } = tab;
    server.cut();
    const banner = page.getByRole("alert").filter({ hasText: "Stale since" });
    await banner.waitFor();
    assertMatch(await banner.textContent() ?? "", /Stale since \d\d:\d\d:\d\d/);
    assertMatch(await page.locator(".health-sentence").textContent() ?? "", /All 64 shards/);
    await keepScreenshot(page, "stale");
    server.heal();
    await banner.getByRole("button", { name: "Try now" }).click();
    await banner.waitFor({ state: "detached" });
    const later = { ...state, overview: { ...state.overview, nodesUp: 8 } };
    server.send({ overview: later.overview, updatedAt: state.updatedAt + 5000 }, later);
    await page.getByText("1 of 9 nodes is down").first().waitFor();
  },
);

browserTest("the health is told to those who hear the page", async (browser) => {
  const state = healthyState(smallCluster);
  await using server = new FakeServer({ state });
  await using tab = await DashboardPage.open(browser, server.url);
  const spoken = tab.page.locator("p[role=status]");
  await spoken.filter({ hasText: "all 9 nodes are up" }).waitFor({ state: "attached" });
});

browserTest(
  "1,024 shards and 27 nodes that change every second keep no page busy",
  async (browser, t) => {
    await using server = new FakeServer({ state: healthyState(huge) });
    await using tab = await DashboardPage.open(browser, server.url);
    const prng = createPrng(3);
    await t.step("a page that is busy would be noticed", async () => {
      const longest = await longestTask(tab.page, async () => {
        // The browser says that it records before the page's process does: the first may be missed.
        for (let i = 0; i < 3; i++) {
          await tab.page.evaluate(() => {
            let sum = 0;
            for (const end = performance.now() + 1000; performance.now() < end;) sum += 1;
            return sum;
          });
        }
      });
      assert(longest > LONG_TASK_MS_MAX, `It was busy for a second, and ${longest} ms were seen`);
    });
    for (const page of PAGE_NAMES) {
      await t.step(page, async () => {
        const longest = await longestTask(tab.page, async () => {
          await tab.page.evaluate((name) => location.hash = `#/${name}`, page);
          await feed(server, prng);
        });
        assert(longest < LONG_TASK_MS_MAX, `${page} was busy for ${longest} ms`);
      });
    }
    await tab.show("shards");
    await keepScreenshot(tab.page, "huge-shards");
    await tab.show("nodes");
    await keepScreenshot(tab.page, "huge-nodes");
    tab.assertNoComplaints();
  },
);

/** A few seconds in the life of a busy cluster. */
async function feed(server: FakeServer, prng: ReturnType<typeof createPrng>): Promise<void> {
  for (let sent = 0; sent < DELTAS; sent++) {
    const next: ClusterState = aMomentLater(server.state, prng);
    const { overview, nodes, shards, groups, updatedAt } = next;
    server.send({ overview, nodes, shards, groups, updatedAt }, next);
    await new Promise((resolve) => setTimeout(resolve, next.intervalMs));
  }
}

browserTest("a page that opens shows what the server kept", async (browser) => {
  await using server = new FakeServer({ state: healthyState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  await tab.page.locator(".chart-summary", { hasText: "Highest now: Reads" }).waitFor();
  assertEquals(server.listeners, 1);
});
