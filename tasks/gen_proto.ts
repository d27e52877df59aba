/**
 * `deno task proto` writes proto/gen from the protos; `deno task proto:check` says whether what is
 * committed is what the protos give. Needs nothing but Deno and npm packages (buf and ts-proto,
 * pinned in proto/codegen.lock).
 */
import { compareGenerated, improveGenerated } from "./proto_output.ts";

const BUF = "npm:@bufbuild/buf@1.55.1";
const OUTPUT_DIR = "proto/gen";

/** Runs buf in the project's root and returns the improved files by name. */
async function generate(root: string): Promise<Map<string, string>> {
  const work = await Deno.makeTempDir({ prefix: "eraft_proto_" });
  try {
    // buf.gen.yaml starts its plugin as `deno`, which may not be on the PATH under npx.
    await Deno.mkdir(`${work}/bin`);
    await Deno.symlink(Deno.execPath(), `${work}/bin/deno`);
    await runBuf(root, work);
    return new Map(
      [...await readFiles(`${work}/${OUTPUT_DIR}`)].map((
        [name, source],
      ) => [name, improveGenerated(source)]),
    );
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function runBuf(root: string, work: string): Promise<void> {
  // --no-config: the project's own lock file and node_modules stay out of it.
  const deno = ["run", "-A", "--quiet", "--no-config", "--lock=proto/codegen.lock", "--frozen"];
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [...deno, BUF, "generate", "--output", work],
    cwd: root,
    env: { PATH: `${work}/bin:${Deno.env.get("PATH") ?? ""}` },
  }).spawn().status;
  if (code !== 0) throw new Error(`Cannot generate code from the protos: buf ended with ${code}`);
}

async function readFiles(dir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const entry of Deno.readDir(dir)) {
    if (entry.isFile) files.set(entry.name, await Deno.readTextFile(`${dir}/${entry.name}`));
  }
  return files;
}

async function write(dir: string, fresh: ReadonlyMap<string, string>): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  const { superfluous } = compareGenerated(await readFiles(dir), fresh);
  for (const name of superfluous) await Deno.remove(`${dir}/${name}`);
  for (const [name, source] of fresh) await Deno.writeTextFile(`${dir}/${name}`, source);
}

/** Returns one line for every file that differs. */
async function check(dir: string, fresh: ReadonlyMap<string, string>): Promise<string[]> {
  const { missing, stale, superfluous } = compareGenerated(await readFiles(dir), fresh);
  return [
    ...missing.map((name) => `${OUTPUT_DIR}/${name}: missing`),
    ...stale.map((name) => `${OUTPUT_DIR}/${name}: not what the protos give`),
    ...superfluous.map((name) => `${OUTPUT_DIR}/${name}: no proto gives it`),
  ];
}

async function main(args: readonly string[]): Promise<number> {
  const say = (line: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
  const unknown = args.filter((arg) => arg !== "--check");
  if (unknown.length > 0) {
    say(`Unknown argument ${unknown[0]}: only --check is understood`);
    return 2;
  }
  const root = `${import.meta.dirname}/..`;
  const fresh = await generate(root);
  if (!args.includes("--check")) {
    await write(`${root}/${OUTPUT_DIR}`, fresh);
    return 0;
  }
  const findings = await check(`${root}/${OUTPUT_DIR}`, fresh);
  for (const finding of findings) say(finding);
  if (findings.length === 0) return 0;
  say("Run `deno task proto` and commit what it writes");
  return 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
