/** The dashboard's page in a tab: opened, watched for complaints, moved from page to page. */
import { assertEquals } from "@std/assert";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { formatRoute, type PageName, type Route } from "../../../dashboard/web/route.ts";

export interface DashboardPageOptions {
  /** @default {"light"} */
  readonly theme?: "light" | "dark";
  /** @default {"en"} */
  readonly language?: "en" | "zh-CN";
  /** @default {1280} */
  readonly width?: number;
  /** @default {900} */
  readonly height?: number;
}

/** Machines are busy; a page that takes this long is broken. */
const PATIENCE_MS = 20_000;

export class DashboardPage implements AsyncDisposable {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #url: string;
  /** What the browser has complained about, the policy of contents included. */
  readonly complaints: string[] = [];

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.#context = context;
    this.page = page;
    this.#url = url;
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
  }

  static async open(
    browser: Browser,
    url: string,
    options: DashboardPageOptions = {},
  ): Promise<DashboardPage> {
    const { theme = "light", language = "en", width = 1280, height = 900 } = options;
    const context = await browser.newContext({
      colorScheme: theme,
      locale: language,
      viewport: { width, height },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const opened = new DashboardPage(context, await context.newPage(), url);
    await opened.page.goto(url);
    await opened.show("overview");
    return opened;
  }

  /** Goes to a page by its address and waits until it shows the cluster. */
  async show(page: PageName, params: Route["params"] = {}): Promise<void> {
    await this.page.goto(`${this.#url}/${formatRoute({ page, params })}`);
    await this.page.locator("main h1").waitFor();
    await this.page.locator(".waiting").waitFor({ state: "detached" });
  }

  /** @throws {AssertionError} If the browser has complained about anything */
  assertNoComplaints(): void {
    assertEquals(this.complaints, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}
