/** What the documentation says against what is there: links, flags, and the two READMEs. */
import { assert, assertEquals } from "@std/assert";
import { parseRequest } from "../client/cli/kv_cli_args.ts";
import { type CliIo, main as ctrlerMain } from "../client/shardctrlerclient.ts";
import { parseSettings as parseDashboard } from "../dashboard/settings.ts";
import { errorTraits } from "../rpc/errors.ts";
import { HelpRequested } from "../runtime/flags.ts";
import { parseServerFlags as parseController } from "../shardctrler/server_flags.ts";
import { parseServerFlags as parseReplica } from "../shardkv/server_flags.ts";

const ROOT = `${import.meta.dirname}/..`;
const read = (path: string) => Deno.readTextFile(`${ROOT}/${path}`);

async function pages(): Promise<string[]> {
  const docs = await Array.fromAsync(Deno.readDir(`${ROOT}/docs`), ({ name }) => `docs/${name}`);
  return ["README.md", "README_cn.md", "INSTALL.md", "CONTRIBUTING.md", "packaging/README.md"]
    .concat(docs.filter((name) => name.endsWith(".md")));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return text.split("\n").filter((line) => /^#+ /.test(line)).map((line) =>
    line.replace(/^#+ /, "").toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

function helpOf(parse: (args: readonly string[]) => unknown): string {
  try {
    parse(["-help"]);
  } catch (error) {
    if (error instanceof HelpRequested) return error.text;
    throw error;
  }
  throw new Error("Cannot find the usage: '-help' was not taken");
}

async function ctrlerHelp(): Promise<string> {
  let text = "";
  const io: Partial<CliIo> = { stderr: (part) => void (text += part) };
  assertEquals(await ctrlerMain(["-help"], io as CliIo), 0);
  return text;
}

/** Flags that a usage text lists. */
function flagsOf(usage: string): string[] {
  return [...usage.matchAll(/^ {2}(-[a-z-]+)/gm)].map(([, flag = ""]) => flag);
}

/** Everything between a heading and the next of the same or a higher level. */
function section(text: string, heading: string): string {
  const start = text.indexOf(`\n${heading}\n`);
  assert(start >= 0, `There is no heading '${heading}'`);
  const level = heading.indexOf(" ");
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

const shellBlocks = (text: string) =>
  [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) =>
    block.replace(/^#.*$/gm, "#")
  );

Deno.test("every link between pages leads to a file and a heading that exist", async () => {
  for (const page of await pages()) {
    const text = await read(page);
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : new URL(path, `file:///${page}`).pathname.slice(1);
      const found = await Deno.stat(`${ROOT}/${file}`).catch(() => undefined);
      assert(found !== undefined, `${page} links to ${target}, which does not exist`);
      if (anchor === undefined) continue;
      assert(anchors(await read(file)).includes(anchor), `${page} links to ${target}: no heading`);
    }
  }
});

Deno.test("docs/operations.md lists every flag of every program", async () => {
  const operations = await read("docs/operations.md");
  const common = section(operations, "### Both servers");
  const dashboard = section(await read("docs/dashboard.md"), "## Starting it");
  const usages = {
    shardctrlerserver: helpOf(parseController),
    shardkvserver: helpOf(parseReplica),
    shardctrlerclient: await ctrlerHelp(),
    shardkvclient: helpOf(parseRequest),
    "dashboard-server": helpOf(parseDashboard),
  };
  for (const [program, usage] of Object.entries(usages)) {
    const isDashboard = program === "dashboard-server";
    const own = isDashboard ? dashboard : section(operations, `### \`${program}\``);
    const told = program.endsWith("server") && !isDashboard ? common + own : own;
    for (const flag of flagsOf(usage)) {
      // `-version` is told once, for all of them.
      if (flag === "-version") continue;
      assert(told.includes(`| \`${flag}\``), `${program} has ${flag}, which is not documented`);
    }
    for (const [, flag = ""] of own.matchAll(/^\| `(-[a-z-]+)`/gm)) {
      assert(flagsOf(usage).includes(flag), `${program} has no ${flag}`);
    }
  }
});

Deno.test("docs/storage_and_rpc.md tells of every error code what rpc/errors.ts says", async () => {
  const text = await read("docs/storage_and_rpc.md");
  const yes = (value: boolean) => value ? "yes" : "no";
  for (const [code, { retry, maybe }] of Object.entries(errorTraits)) {
    const row = new RegExp(`^\\| \`${code}\` +\\| [A-Z_]+ +\\| (\\w+) +\\| (\\w+) +\\|$`, "m");
    assertEquals(row.exec(text)?.slice(1), [yes(retry), yes(maybe)], code);
  }
});

Deno.test("both READMEs show the same commands", async () => {
  assertEquals(shellBlocks(await read("README_cn.md")), shellBlocks(await read("README.md")));
});

Deno.test("the README's quick start is eRaft's, command for command", async () => {
  const quickStart = await read("tests/e2e/testdata/quick_start.txt");
  const shown = shellBlocks(await read("README.md")).join("").split("\n");
  for (const command of quickStart.split("\n").filter((line) => line.startsWith("./"))) {
    assert(shown.includes(command), `README.md lacks: ${command}`);
  }
});
