/**
 * `deno task dashboard:build` bundles the dashboard's page into dashboard/gen/assets.ts;
 * `deno task dashboard:check` says whether what is committed is what the sources give.
 */
import {
  type Asset,
  compareAssets,
  type PackedAsset,
  writeModule,
} from "./dashboard/asset_module.ts";

const WEB_DIR = "dashboard/web";
const OUTPUT = "dashboard/gen/assets.ts";
/** In the order in which later rules overrule earlier ones; uPlot's own rules come first. */
const STYLES = [
  "tokens.css",
  "base.css",
  "frame.css",
  "parts.css",
  "overview.css",
  "topology.css",
  "shards.css",
  "migrations.css",
  "charts.css",
  "keys.css",
];
const UPLOT_STYLES = "node_modules/uplot/dist/uPlot.min.css";
const NOTICE = "/*! Contains Preact, @preact/signals and uPlot, all under the MIT License. */\n";

const encoder = new TextEncoder();

/** All files of the page by their paths on the server. */
export async function buildAssets(root: string): Promise<Map<string, Asset>> {
  const source = async (name: string) => await Deno.readFile(`${root}/${WEB_DIR}/${name}`);
  const script = "text/javascript; charset=utf-8";
  return new Map<string, Asset>([
    ["/", { type: "text/html; charset=utf-8", content: await source("index.html") }],
    ["/app.css", { type: "text/css; charset=utf-8", content: await bundleStyles(root) }],
    ["/app.js", { type: script, content: await bundleScript(root) }],
    ["/favicon.svg", { type: "image/svg+xml", content: await source("favicon.svg") }],
    ["/theme.js", { type: script, content: await source("theme.js") }],
  ]);
}

async function bundleScript(root: string): Promise<Uint8Array> {
  const bundle = await runBundler(root, `${WEB_DIR}/main.tsx`);
  return encoder.encode(NOTICE + bundle);
}

/** @throws {Error} With the bundler's own words */
async function runBundler(root: string, entry: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--minify", entry],
    cwd: root,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`Cannot bundle ${entry}: ${new TextDecoder().decode(stderr).trim()}`);
}

async function bundleStyles(root: string): Promise<Uint8Array> {
  const paths = [UPLOT_STYLES, ...STYLES.map((name) => `${WEB_DIR}/styles/${name}`)];
  const parts = await Promise.all(paths.map((path) => Deno.readTextFile(`${root}/${path}`)));
  return encoder.encode(parts.map(shrinkStyles).join("\n"));
}

/** Comments and indentation go; gzip does the rest. */
function shrinkStyles(css: string): string {
  return css.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\n\s*/g, "\n").trim();
}

async function main(args: readonly string[]): Promise<number> {
  const say = (line: string) => Deno.stderr.writeSync(encoder.encode(`${line}\n`));
  const unknown = args.find((arg) => arg !== "--check");
  if (unknown !== undefined) {
    say(`Unknown argument ${unknown}: only --check is understood`);
    return 2;
  }
  const root = `${import.meta.dirname}/..`;
  const fresh = await buildAssets(root);
  if (!args.includes("--check")) {
    await Deno.mkdir(`${root}/dashboard/gen`, { recursive: true });
    await Deno.writeTextFile(`${root}/${OUTPUT}`, writeModule(fresh));
    return 0;
  }
  const { assets } = await import(`../${OUTPUT}`) as { assets: Record<string, PackedAsset> };
  const findings = compareAssets(assets, fresh);
  for (const finding of findings) say(`${OUTPUT}: ${finding}`);
  if (findings.length === 0) return 0;
  say("Run `deno task dashboard:build` and commit what it writes");
  return 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
