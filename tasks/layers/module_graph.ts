/** The imports between the project's files, as the runtime itself resolves them. */
import { fromFileUrl } from "./paths.ts";

/** One import, export-from or dynamic import. */
export interface Import {
  readonly from: string;
  /** Path of a file of ours, or the specifier of something else. */
  readonly to: string;
  /** Counted from 1. */
  readonly line: number;
  /** Only types come through: gone at run time. */
  readonly typeOnly: boolean;
}

interface InfoResolution {
  readonly specifier?: string;
  readonly error?: string;
  readonly span?: { readonly start: { readonly line: number } };
}

interface InfoModule {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: InfoResolution;
    readonly type?: InfoResolution;
  }[];
}

/**
 * Reads the imports of all given files.
 *
 * @param root Absolute path of the project
 * @param files Paths from the root
 * @throws {Error} When the module graph cannot be built
 */
export async function readImports(root: string, files: readonly string[]): Promise<Import[]> {
  const entry = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const lines = files.map((file) =>
      `import ${JSON.stringify(`file://${encodeURI(root)}/${file}`)};`
    );
    await Deno.writeTextFile(entry, lines.join("\n"));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", `${root}/deno.json`, entry],
      stdout: "piped",
      stderr: "piped",
    }).output();
    if (!success) {
      throw new Error(`Cannot read the module graph: ${new TextDecoder().decode(stderr).trim()}`);
    }
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: InfoModule[] };
    return importsOf(root, modules);
  } finally {
    await Deno.remove(entry);
  }
}

function importsOf(root: string, modules: readonly InfoModule[]): Import[] {
  const ours = (specifier: string) => {
    const path = fromFileUrl(specifier);
    return path?.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
  };
  return modules.flatMap((module) => {
    const from = ours(module.specifier);
    if (from === undefined) return [];
    return (module.dependencies ?? []).map((dependency) => {
      const resolution = dependency.code ?? dependency.type;
      const target = resolution?.specifier ?? dependency.specifier;
      return {
        from,
        to: ours(target) ?? target,
        line: (resolution?.span?.start.line ?? 0) + 1,
        typeOnly: dependency.code === undefined,
      };
    });
  });
}
