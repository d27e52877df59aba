/** Executables without Deno's runtime for `deno compile`: the running Deno in a self-extracting file. */
import { v8FlagsOf } from "../v8_flags.ts";
import { runCommand } from "./command.ts";
import type { Program } from "./programs.ts";
import { revisionScript } from "./revision.ts";
import { type Archive, pack, selfExtracting } from "./self_extracting.ts";
import type { ArchiveFile } from "./tar.ts";

/** Bundled modules look for their files here, as the modules of Node.js do. */
const DIRNAME_SCRIPT =
  "const __dirname = import.meta.dirname, __filename = import.meta.filename;\n";

/** Builds executables around one packed Deno. */
export class BundleWay {
  readonly #root: string;
  readonly #revision: string;
  readonly #runtime: Archive;

  /** Use {@linkcode BundleWay.prepare}. */
  constructor(root: string, revision: string, runtime: Archive) {
    this.#root = root;
    this.#revision = revision;
    this.#runtime = runtime;
  }

  /** Packs the running Deno, which takes seconds. */
  static async prepare(root: string, revision: string): Promise<BundleWay> {
    const bytes = await Deno.readFile(Deno.execPath());
    return new BundleWay(root, revision, pack([{ path: "deno", isExecutable: true, bytes }]));
  }

  /** Writes the executable of a program. */
  async build(program: Program, file: string): Promise<void> {
    const files = [await this.#bundled(program)];
    if (program.hasDatabase) files.push(await this.#addon());
    const bytes = selfExtracting({
      program: program.name,
      runtime: this.#runtime,
      app: pack(files),
      flags: [
        v8FlagsOf(program.main),
        ...program.permissions,
        ...(program.hasDatabase ? ["--allow-ffi=$app"] : []),
      ],
    });
    await Deno.writeFile(file, bytes, { mode: 0o755 });
  }

  async #bundled({ name, main }: Program): Promise<ArchiveFile> {
    const code = await runCommand(Deno.execPath(), ["bundle", "--quiet", main], {
      cwd: this.#root,
    });
    const text = DIRNAME_SCRIPT + revisionScript(this.#revision) + code;
    return { path: `${name}.js`, isExecutable: false, bytes: new TextEncoder().encode(text) };
  }

  /** @throws {Error} When there is none for this machine */
  async #addon(): Promise<ArchiveFile> {
    const { os, arch } = Deno.build;
    // As the npm package names them.
    const path = os === "darwin"
      ? "prebuilds/darwin-x64+arm64/node.napi.node"
      : `prebuilds/${os}-${arch === "x86_64" ? "x64" : "arm64"}/node.napi.glibc.node`;
    try {
      const bytes = await Deno.readFile(`${this.#root}/node_modules/rocksdb/${path}`);
      return { path, isExecutable: false, bytes };
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new Error(
        `Cannot bundle RocksDB: its npm package has no '${path}' for this machine`,
        { cause },
      );
    }
  }
}
