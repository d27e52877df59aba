/** Tests in a real browser: skipped, with a line that says why, where there is none. */
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const executablePath = PLACES.find(exists);

if (executablePath === undefined) {
  const line = "Skipping the tests of the dashboard's page: there is no Chromium. " +
    "To run them: apt-get install chromium, then deno task test:e2e\n";
  Deno.stderr.writeSync(new TextEncoder().encode(line));
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Registers a test that gets a browser of its own. */
export function browserTest(
  name: string,
  run: (browser: Browser, t: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: executablePath === undefined,
    fn: async (t) => {
      if (executablePath === undefined) return;
      const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
      try {
        await run(browser, t);
      } finally {
        await browser.close();
      }
    },
  });
}
