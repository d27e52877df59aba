/** The same page before a cluster of real processes and the real dashboard-server. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Browser } from "playwright-core";
import { TestCluster } from "../cluster_harness.ts";
import { Dashboard } from "../dashboard_process.ts";
import { browserTest } from "./browser_test_case.ts";
import { DashboardPage } from "./dashboard_page.ts";
import { checkAccessibility, checkNarrow } from "./page_checks.ts";

/** A shard has moved, or a node is missed, long before that even on a busy machine. */
const TIMEOUT_MS = 60_000;
const ADMIN_TOKEN = "a-token-for-this-test";
/** More with the prefix `key1` than the server lists at a time. */
const KEYS = 200;

browserTest("the page shows a real cluster, and changes it", async (browser, t) => {
  await using cluster = await TestCluster.start();
  const flags = ["-update-interval", "1s", "-admin-token", ADMIN_TOKEN];
  await using dashboard = await Dashboard.start(cluster, ...flags);
  const { url } = dashboard;
  for (let at = 0; at < KEYS; at++) await cluster.clerk.put(`key${at}`, `value${at}`);

  await t.step("axe-core finds nothing", () => checkAccessibility(browser, url, "real"));
  await t.step("no page scrolls sideways", () => checkNarrow(browser, url, "real"));
  await t.step("keys are found", () => findKeys(browser, url));
  await t.step("a shard is moved", () => moveShard(browser, url));
  await t.step("a node that is killed is missed", async () => {
    await using tab = await DashboardPage.open(browser, url);
    await cluster.crash([cluster.labels.at(-1) ?? ""]);
    const sentence = tab.page.locator(".health-sentence", { hasText: "1 of 9 nodes is down" });
    await sentence.waitFor({ timeout: TIMEOUT_MS });
    assertMatch(await tab.page.locator(".problems").textContent() ?? "", /does not answer/);
    tab.assertNoComplaints();
  });
  assertEquals(cluster.deaths, []);
});

async function findKeys(browser: Browser, url: string): Promise<void> {
  await using tab = await DashboardPage.open(browser, url);
  const { page } = tab;
  await tab.show("keys", { key: "key7" });
  await page.locator(".value", { hasText: "value7" }).waitFor();
  await page.getByLabel("Prefix").fill("key1");
  await page.getByRole("button", { name: "List", exact: true }).click();
  await page.getByRole("button", { name: "key1", exact: true }).waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("button", { name: "key199", exact: true }).waitFor();
  tab.assertNoComplaints();
}

async function moveShard(browser: Browser, url: string): Promise<void> {
  await using tab = await DashboardPage.open(browser, url);
  const { page } = tab;
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Read-only" }).click();
  await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByText("Actions are on in this tab.").waitFor();
  await page.keyboard.press("Escape");

  await tab.show("shards", { shard: "0" });
  await page.getByRole("button", { name: "Move shard" }).click();
  const target = page.getByLabel("To group");
  const [, group = ""] = await target.locator("option").allTextContents();
  await target.selectOption({ label: group });
  await dialog.getByText("One shard would move:").waitFor();
  await page.getByRole("button", { name: "Do it" }).click();
  await dialog.getByText("Done.").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.locator(".selected-shard", { hasText: group }).waitFor({ timeout: TIMEOUT_MS });
  await tab.show("migrations");
  const moved = page.locator("tbody tr", { hasText: group }).first();
  await moved.waitFor({ timeout: TIMEOUT_MS });
  tab.assertNoComplaints();
}
