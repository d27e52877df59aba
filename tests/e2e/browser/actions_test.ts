/** What the page lets people do, and to whom. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import { browserTest } from "./browser_test_case.ts";
import { DashboardPage } from "./dashboard_page.ts";
import { FakeServer } from "./fake_server.ts";
import { healthyState, smallCluster } from "./fake_states.ts";
import { keepScreenshot, violations } from "./page_checks.ts";

const state = healthyState(smallCluster);
const ADMIN_TOKEN = "a token for this test";

const confirmButton = (page: Page) => page.getByRole("button", { name: "Do it" });
const dialog = (page: Page) => page.getByRole("dialog");

async function unlock(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Read-only" }).click();
  await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByText("Actions are on in this tab.").waitFor();
  await page.keyboard.press("Escape");
}

browserTest(
  "without a token on the server the page is read-only, and says how to change that",
  async (browser) => {
    await using server = new FakeServer({ state });
    await using tab = await DashboardPage.open(browser, server.url);
    const { page } = tab;
    await page.getByRole("button", { name: "Read-only" }).click();
    await page.getByText("Start it with -admin-token-file").waitFor();
    assertEquals(await violations(page), []);
    await page.keyboard.press("Escape");
    await tab.show("topology");
    assertEquals(await page.getByRole("button", { name: /Add a group|Make leader/ }).count(), 0);
    tab.assertNoComplaints();
  },
);

browserTest(
  "a wrong token switches nothing on, the right one lasts as long as the tab",
  async (browser) => {
    await using server = new FakeServer({ state, adminToken: ADMIN_TOKEN });
    await using tab = await DashboardPage.open(browser, server.url);
    const { page } = tab;
    await page.getByRole("button", { name: "Read-only" }).click();
    await page.getByLabel("Admin token").fill("wrong");
    await page.getByRole("button", { name: "Switch on" }).click();
    await page.getByText("The server does not take this token.").waitFor();
    assertEquals(await violations(page), []);
    await page.keyboard.press("Escape");
    await unlock(page);
    await page.reload();
    await page.getByRole("button", { name: "Actions on" }).click();
    await page.getByRole("button", { name: "Switch off" }).click();
    await page.getByLabel("Admin token").waitFor();
  },
);

browserTest("a shard is moved after a look at what would happen", async (browser) => {
  await using server = new FakeServer({ state, adminToken: ADMIN_TOKEN });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await unlock(page);
  await tab.show("shards", { shard: "12" });
  await page.getByRole("button", { name: "Move shard" }).click();
  assertEquals(await confirmButton(page).isDisabled(), true);
  await page.getByLabel("To group").selectOption("101");
  await dialog(page).getByText("One shard would move:").waitFor();
  assertMatch(await dialog(page).textContent() ?? "", /Group 100 → Group 101: 12/);
  assertMatch(await dialog(page).textContent() ?? "", /shardctrlerclient move 12 101/);
  assertEquals(await violations(page), []);
  await keepScreenshot(page, "action-move");
  await confirmButton(page).click();
  await page.getByText("moveShard OK").waitFor();
  assertEquals(server.actions, [{ kind: "moveShard", shardId: 12, gid: 101 }]);
  await dialog(page).getByRole("button", { name: "Close" }).click();
  assertEquals(await dialog(page).count(), 0);
  tab.assertNoComplaints();
});

browserTest("leadership is handed over from the topology", async (browser) => {
  await using server = new FakeServer({ state, adminToken: ADMIN_TOKEN });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await unlock(page);
  await tab.show("topology");
  assertEquals(await violations(page), []);
  await page.getByRole("button", { name: "Make leader: Node 101-2" }).click();
  await dialog(page).getByText("shardctrlerclient member transfer 101 2").waitFor();
  await confirmButton(page).click();
  await page.getByText("transferLeader OK").waitFor();
  assertEquals(server.actions, [{ kind: "transferLeader", gid: 101, nodeId: 2 }]);
});

browserTest("what would be refused cannot be confirmed", async (browser) => {
  await using server = new FakeServer({ state, adminToken: ADMIN_TOKEN });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await unlock(page);
  await tab.show("topology");
  await page.getByRole("button", { name: "Add a group" }).click();
  await page.getByLabel("Group id").fill("101");
  await page.getByLabel("Addresses of its servers").fill("localhost:8001\nlocalhost:8002");
  await dialog(page).getByText("Cannot join group 101: it has joined already").waitFor();
  assertEquals(await confirmButton(page).isDisabled(), true);
  await page.getByLabel("Group id").fill("102");
  await dialog(page).getByText("4 shards would move:").waitFor();
  assertMatch(await dialog(page).textContent() ?? "", /Group 100 → Group 102: 3–5, 9/);
  await confirmButton(page).click();
  await page.getByText("addGroup OK").waitFor();
  assertEquals(server.actions, [
    { kind: "addGroup", gid: 102, servers: ["localhost:8001", "localhost:8002"] },
  ]);
});

browserTest("a group is removed only by those who type its id", async (browser) => {
  await using server = new FakeServer({ state, adminToken: ADMIN_TOKEN });
  await using tab = await DashboardPage.open(browser, server.url);
  const { page } = tab;
  await unlock(page);
  await tab.show("topology");
  await page.locator(".group-card").last().getByRole("button", { name: "Remove group" }).click();
  await dialog(page).getByText("32 shards would move:").waitFor();
  assertEquals(await confirmButton(page).isDisabled(), true);
  await page.getByLabel("Type 101 to confirm").fill("101");
  assertEquals(await violations(page), []);
  await confirmButton(page).click();
  await page.getByText("removeGroup OK").waitFor();
  assertEquals(server.actions, [{ kind: "removeGroup", gid: 101 }]);
});
