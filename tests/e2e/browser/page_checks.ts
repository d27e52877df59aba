/**
 * What must hold of every page, whatever cluster is behind it: a made-up one or a real one. Keeps a
 * screenshot of each under output/screenshots.
 */
import { assert, assertEquals } from "@std/assert";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { PAGE_NAMES } from "../../../dashboard/web/route.ts";
import { DashboardPage } from "./dashboard_page.ts";

const ROOT = `${import.meta.dirname}/../../..`;
const SCREENSHOTS = `${ROOT}/output/screenshots`;

const THEMES = ["light", "dark"] as const;
const LANGUAGES = ["en", "zh-CN"] as const;

/** The narrowest screen that WCAG asks for. */
const NARROW_PX = 320;
/** SC 2.5.8, in CSS pixels. */
const TARGET_PX_MIN = 24;

/** Every page in both themes and both languages has nothing that axe-core objects to. */
export async function checkAccessibility(
  browser: Browser,
  url: string,
  label: string,
): Promise<void> {
  for (const theme of THEMES) {
    for (const language of LANGUAGES) {
      await using tab = await DashboardPage.open(browser, url, { theme, language });
      for (const page of PAGE_NAMES) {
        await tab.show(page);
        const where = `${label}-${page}-${theme}-${language}`;
        await keepScreenshot(tab.page, where);
        assertEquals(await violations(tab.page), [], where);
      }
      tab.assertNoComplaints();
    }
  }
}

/** At 320 pixels no page scrolls sideways, and what can be clicked is large enough. */
export async function checkNarrow(browser: Browser, url: string, label: string): Promise<void> {
  await using tab = await DashboardPage.open(browser, url, { width: NARROW_PX, height: 640 });
  for (const page of PAGE_NAMES) {
    await tab.show(page);
    await keepScreenshot(tab.page, `${label}-${page}-${NARROW_PX}px`);
    const width = await tab.page.evaluate(() => document.documentElement.scrollWidth);
    assert(width <= NARROW_PX, `${page} is ${width} pixels wide on a screen of ${NARROW_PX}`);
    assertEquals(await smallTargets(tab.page), [], page);
  }
  tab.assertNoComplaints();
}

/** @returns One line for every violation, with the elements concerned */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, so the page's policy on scripts stays in force.
  await page.evaluate(await Deno.readTextFile(`${ROOT}/node_modules/axe-core/axe.min.js`));
  const results = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(options: unknown): Promise<AxeResults> } }).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    })
  );
  return results.violations.flatMap((violation) =>
    violation.nodes.map((node) =>
      `${violation.id}: ${node.target.join(" ")}: ${node.failureSummary?.replace(/\s+/g, " ")}`
    )
  );
}

/** Buttons, fields and links on lines of their own that are smaller than they may be. */
async function smallTargets(page: Page): Promise<string[]> {
  return await page.evaluate(
    (minimum) =>
      [...document.querySelectorAll<HTMLElement>("button, select, input, summary, nav a")]
        .filter((element) => element.checkVisibility())
        // Radio buttons lie under their labels, which are what is clicked.
        .map((element) => element.matches("[type=radio]") ? element.parentElement : element)
        .flatMap((element) => {
          const box = element?.getBoundingClientRect();
          if (box === undefined || (box.width >= minimum && box.height >= minimum)) return [];
          return [`${element?.outerHTML.slice(0, 80)}: ${box.width} x ${box.height}`];
        }),
    TARGET_PX_MIN,
  );
}

export async function keepScreenshot(page: Page, name: string): Promise<void> {
  await Deno.mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
}
