/** A copy of the project's source in which bugs are planted, one at a time. */
import { type Mutant, plant } from "../../../tests/sim/mutants/mutant.ts";

/** What the simulator is made of. */
const PARTS = [
  "client",
  // A member of the workspace: Deno would complain of its absence.
  "dashboard",
  "jsr",
  "proto",
  "raft",
  "rpc",
  "runtime",
  "server",
  "shardctrler",
  "shardkv",
  "storage",
  "tasks",
  "tests",
  "deno.json",
  "deno.lock",
  "mod.ts",
];

export class MutatedCopy implements AsyncDisposable {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** @param root The project */
  static async create(root: string): Promise<MutatedCopy> {
    const copy = new MutatedCopy(await Deno.makeTempDir({ prefix: "mutants-" }));
    for (const part of PARTS) await copyTree(`${root}/${part}`, `${copy.dir}/${part}`);
    await Deno.symlink(`${root}/node_modules`, `${copy.dir}/node_modules`, { type: "dir" });
    return copy;
  }

  /**
   * Plants the mutant's bug while `task` runs.
   *
   * @throws {StaleMutantError} If it does not fit the source any more
   */
  async with<T>(mutant: Mutant, task: () => Promise<T>): Promise<T> {
    const path = `${this.dir}/${mutant.file}`;
    const source = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, plant(mutant, source));
    try {
      return await task();
    } finally {
      await Deno.writeTextFile(path, source);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    if (name !== "node_modules") await copyTree(`${from}/${name}`, `${to}/${name}`);
  }
}
