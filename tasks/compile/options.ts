/** What `deno task compile` can be told, and what of it makes sense. */
import { choiceFlag, defineFlags, stringFlag } from "../../runtime/flags.ts";
import { type Program, PROGRAMS } from "./programs.ts";

const WAYS = ["auto", "compile", "bundle"] as const;

/** `compile`: Deno's own; `bundle`: a self-extracting file; `auto`: the first that works. */
export type Way = (typeof WAYS)[number];

export interface CompileOptions {
  readonly way: Way;
  /** The machine it is for, as Deno names it; undefined for this one. */
  readonly target: string | undefined;
  /** What `-version` tells as the revision; undefined for that of the working tree. */
  readonly revision: string | undefined;
  /** Directory of the executables. */
  readonly out: string;
  readonly programs: readonly Program[];
}

const flags = defineFlags("compile", {
  way: choiceFlag({
    default: "auto",
    choices: WAYS,
    help: "compile: Deno's own way, needs its runtime; bundle: a self-extracting file; " +
      "auto: the first of them that works",
  }),
  target: stringFlag({
    default: "",
    help: "the `machine` it is for, such as aarch64-apple-darwin; only for -way compile",
  }),
  revision: stringFlag({ default: "", help: "tell this at -version, not the working tree's own" }),
  out: stringFlag({ default: "output", help: "`directory` of the executables" }),
}, { trailer: `Programs (default all): ${PROGRAMS.map(({ name }) => name).join(", ")}` });

/**
 * @throws {FlagError} When the command line makes no sense
 * @throws {HelpRequested} When help was asked for
 */
export function parseCompileOptions(args: readonly string[]): CompileOptions {
  const { values: { way, target, revision, out }, rest } = flags.parse(args);
  if (out === "") throw flags.error('invalid value "" for flag -out: it must name a directory');
  const isForThis = target === "" || target === Deno.build.target;
  if (way === "bundle" && !isForThis) {
    throw flags.error(
      `invalid value "${target}" for flag -target: this Deno can only bundle itself, ` +
        `for ${Deno.build.target}`,
    );
  }
  const unknown = rest.find((word) => PROGRAMS.every(({ name }) => name !== word));
  if (unknown !== undefined) throw flags.error(`unknown program: ${unknown}`);
  return {
    // For another machine there is but one way.
    way: isForThis ? way : "compile",
    target: isForThis ? undefined : target,
    revision: revision === "" ? undefined : revision,
    out,
    programs: PROGRAMS.filter(({ name }) => rest.length === 0 || rest.includes(name)),
  };
}
