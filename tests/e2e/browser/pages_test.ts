/** Every page of the dashboard in a real browser: accessible, narrow, and saying what it should. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { browserTest } from "./browser_test_case.ts";
import { DashboardPage } from "./dashboard_page.ts";
import { FakeServer } from "./fake_server.ts";
import { brokenState, healthyState, movingState, smallCluster } from "./fake_states.ts";
import { checkAccessibility, checkNarrow, violations } from "./page_checks.ts";

/** What a reader waits for the first words, at most. */
const FIRST_CONTENT_MS_MAX = 1000;

browserTest("axe-core finds nothing while shards move", async (browser) => {
  await using server = new FakeServer({ state: movingState(smallCluster) });
  await checkAccessibility(browser, server.url, "moving");
});

browserTest("axe-core finds nothing while a group is down", async (browser) => {
  await using server = new FakeServer({ state: brokenState(smallCluster) });
  await checkAccessibility(browser, server.url, "broken");
});

browserTest("no page scrolls sideways at 320 pixels", async (browser) => {
  await using server = new FakeServer({ state: brokenState(smallCluster) });
  await checkNarrow(browser, server.url, "broken");
  await using moving = new FakeServer({ state: movingState({ ...smallCluster, shards: 1024 }) });
  await checkNarrow(browser, moving.url, "moving");
});

browserTest("the first content is there within a second", async (browser) => {
  await using server = new FakeServer({ state: healthyState(smallCluster) });
  const times: number[] = [];
  // The best of a few: other work on the machine only adds.
  for (let round = 0; round < 5; round++) {
    await using tab = await DashboardPage.open(browser, server.url);
    times.push(
      await tab.page.evaluate(() =>
        performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity
      ),
    );
  }
  const best = Math.min(...times);
  assert(best < FIRST_CONTENT_MS_MAX, `The first content took ${best} ms`);
});

browserTest("the overview says how the cluster is and what to do", async (browser) => {
  await using server = new FakeServer({ state: brokenState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  assertEquals(
    await page.locator(".health-sentence").textContent(),
    "32 of 64 shards are not served; 3 of 9 nodes are down.",
  );
  const first = page.locator(".problem").first();
  assertMatch(await first.textContent() ?? "", /Critical: Group 101 has lost its majority/);
  await first.getByRole("button", { name: /Copy the command/ }).click();
  await first.getByText("Copied").waitFor();
  assertMatch(
    await page.evaluate(() => navigator.clipboard.readText()),
    /^shardkvserver -id 1 -gid 101 -cluster "127\.0\.0\.1:6011,/,
  );
  tab.assertNoComplaints();
});

browserTest("addresses lead to pages, and the back button leads back", async (browser) => {
  await using server = new FakeServer({ state: healthyState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  const heading = (name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
  await page.getByRole("link", { name: "Topology" }).click();
  await heading("Topology");
  await page.getByRole("link", { name: "Migrations" }).click();
  await heading("Migrations");
  assertEquals(await page.title(), "Migrations · eRaft");
  await page.goBack();
  await heading("Topology");
  await tab.show("shards", { group: "101", sort: "-keys", shard: "40" });
  assertEquals(await page.locator(".selected-shard h2").textContent(), "Shard 40");
  assertEquals(await page.getByRole("combobox", { name: "Group" }).inputValue(), "101");
  assertEquals(await page.locator("th[aria-sort=descending]").textContent(), "Keys");
  await page.goto(`${server.url}/#/nowhere`);
  await heading("Overview");
});

browserTest("language and theme are chosen and remembered", async (browser) => {
  await using server = new FakeServer({ state: healthyState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url, { language: "zh-CN" });
  const { page } = tab;
  assertEquals(await page.locator("h1").textContent(), "总览");
  await page.getByLabel("语言").selectOption("en");
  assertEquals(await page.locator("h1").textContent(), "Overview");
  await page.getByLabel("Theme").selectOption("dark");
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  assertEquals(await page.locator("html").getAttribute("lang"), "en");
  assertEquals(await page.locator("html").getAttribute("data-theme"), "dark");
  const background = await page.evaluate(() =>
    getComputedStyle(document.documentElement).backgroundColor
  );
  assertEquals(background, "rgb(15, 19, 23)");
});

browserTest("shards are reached, chosen, sorted and filtered by keyboard", async (browser) => {
  await using server = new FakeServer({ state: movingState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await tab.show("shards");
  // After a change of pages the heading has the focus; a page just opened begins at its top.
  await page.reload();
  await page.locator(".cell").first().waitFor();
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate(() => document.activeElement?.className), "skip");
  await page.keyboard.press("Enter");
  assertEquals(await page.evaluate(() => document.activeElement?.id), "main");

  const cell = (id: number) => page.locator(`[data-shard="${id}"]`);
  await cell(0).focus();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-shard"));
  await page.keyboard.press("ArrowDown");
  assert(Number(await focused()) > 1, "It must lead to another line");
  await page.keyboard.press("ArrowUp");
  assertEquals(await focused(), "0");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.locator("[data-shard='2'][aria-selected=true]").waitFor();
  assertEquals(await cell(2).getAttribute("aria-label"), "Shard 2, Pulling");
  await page.locator(".selected-shard", { hasText: "does not serve it yet" }).waitFor();
  await page.keyboard.press("End");
  assertEquals(await focused(), "63");
  assertEquals(await page.locator("[role=option][tabindex='0']").count(), 1);

  const column = (at: number) => page.locator(`.shard-table tbody tr td:nth-child(${at})`);
  await page.getByRole("button", { name: "Keys", exact: true }).press("Enter");
  await page.locator("th[aria-sort=descending]", { hasText: "Keys" }).waitFor();
  const keys = (await column(4).allTextContents()).map((text) => Number(text.replace(",", "")));
  assertEquals(keys, [...keys].sort((a, b) => b - a));
  await page.getByRole("combobox", { name: "State" }).selectOption("Frozen");
  await page.getByText("1 to 1 of 1").waitFor();
  assertEquals(await column(3).allTextContents(), ["‖Frozen"]);
  tab.assertNoComplaints();
});

browserTest(
  "topology shows leaders by word and mark, and when the dead were last seen",
  async (browser) => {
    await using server = new FakeServer({ state: brokenState(smallCluster) });
    await using tab = await DashboardPage.open(browser, server.url);
    await tab.show("topology");
    const card = (name: string) => tab.page.locator(".node-card", { hasText: name });
    assertMatch(await card("Node 100-0").textContent() ?? "", /Leader/);
    assertEquals(await card("Node 100-0").locator(".badge .icon .solid").count(), 1);
    assertMatch(await card("Node 101-1").textContent() ?? "", /Offline.*Last answered/);
    assertMatch(await tab.page.locator(".group-card").last().textContent() ?? "", /No leader/);
  },
);

browserTest("migrations show how far each move has come", async (browser) => {
  await using server = new FakeServer({ state: movingState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  await tab.show("migrations");
  const move = tab.page.locator(".move").nth(1);
  assertMatch(await move.textContent() ?? "", /Shard 1Catching up.*900 of 4,000.*2 MiB\/s.*4 s/);
  assertEquals(await move.getByRole("progressbar").getAttribute("value"), "0.25");
});

browserTest("nodes have charts with a summary and a table", async (browser) => {
  await using server = new FakeServer({ state: healthyState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await tab.show("nodes", { scope: "100" });
  const chart = page.locator(".chart").first();
  await page.waitForFunction(() =>
    document.querySelector(".chart .plot")?.getAttribute("aria-label")?.includes("Highest now")
  );
  assertMatch(
    await chart.getByRole("img").getAttribute("aria-label") ?? "",
    /^Reads a second\. Highest now: Node 100-\d, [\d,]+\/s\.$/,
  );
  await chart.getByText("Show as a table").click();
  await chart.locator("tbody tr").nth(2).waitFor();
  assertEquals(await chart.locator("tbody tr").count(), 3);
  await page.getByRole("button", { name: "Node 100-1" }).click();
  await chart.locator("tbody tr").nth(2).waitFor({ state: "detached" });
  tab.assertNoComplaints();
});

browserTest("keys are looked up, listed, and never taken for markup", async (browser) => {
  await using server = new FakeServer({ state: healthyState(smallCluster) });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await tab.show("keys");
  const look = async (key: string) => {
    await page.getByLabel("Key", { exact: true }).fill(key);
    await page.getByRole("button", { name: "Look up" }).click();
  };
  await look("<b>markup</b>");
  await page.locator(".value", { hasText: "<img src=x onerror=x>" }).waitFor();
  assertEquals(await page.locator(".value img").count(), 0);
  await page.getByRole("radio", { name: "Hexadecimal" }).check();
  await page.locator(".value", { hasText: "00000000  3c 69 6d 67" }).waitFor();
  await look("binary");
  await page.locator(".value", { hasText: "00 01 02 fd fe ff" }).waitFor();
  await look("missing");
  await page.getByText("There is no key missing.").waitFor();
  await page.goBack();
  await page.locator(".value", { hasText: "00 01 02 fd fe ff" }).waitFor();

  await page.getByLabel("Prefix").fill("user/");
  await page.getByRole("button", { name: "List", exact: true }).click();
  await page.getByRole("button", { name: "user/key000" }).waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByText("Page 2").waitFor();
  assertEquals(await violations(page), []);
  await page.getByRole("button", { name: "user/key025" }).click();
  await page.locator(".value", { hasText: "value of user/key025" }).waitFor();
  tab.assertNoComplaints();
  await look("broken");
  await page.getByText("Cannot get the key: no answer in time").waitFor();
});
