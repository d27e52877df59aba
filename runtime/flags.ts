/**
 * Command line flags by the rules of Go's `flag` package, which eRaft's users
 * know: `-f v`, `-f=v`, `--f v`, `--f=v`; parsing stops at the first argument
 * that is no flag, or after `--`.
 *
 * ```ts
 * const flags = defineFlags("shardkvserver", {
 *   id: intFlag({ default: 0, min: 0, help: "position of this server in -cluster" }),
 *   electionTicks: intFlag({ default: 10, help: "given as -election-ticks" }),
 * });
 * const { values, rest } = flags.parse(Deno.args); // values.id is a number
 * ```
 */
import type { Flag } from "./flag_types.ts";
import { versionText } from "./version.ts";

export {
  boolFlag,
  choiceFlag,
  durationFlag,
  type Flag,
  intFlag,
  stringFlag,
  valueFlag,
} from "./flag_types.ts";

/** The command line cannot be understood: print `text` on stderr and exit with `exitCode`. */
export class FlagError extends Error {
  override readonly name = "FlagError";
  readonly exitCode = 2;
  /** The message and the usage, ready to print, with a newline at the end. */
  readonly text: string;

  constructor(message: string, usage: string, options?: ErrorOptions) {
    super(message, options);
    this.text = `${message}\n${usage}`;
  }
}

/** `-h` or `-help` was given: print `text` on stderr and exit with `exitCode`. */
export class HelpRequested extends Error {
  override readonly name = "HelpRequested";
  readonly exitCode = 0;
  /** The usage, ready to print, with a newline at the end. */
  readonly text: string;

  constructor(usage: string) {
    super("Help was requested");
    this.text = usage;
  }
}

/** `-version` was given: print `text` on stdout and exit with `exitCode`. */
export class VersionRequested extends Error {
  override readonly name = "VersionRequested";
  readonly exitCode = 0;
  /** The versions, ready to print, with a newline at the end. */
  readonly text: string;

  constructor(program: string) {
    super("The version was requested");
    this.text = versionText(program);
  }
}

// A set holds flags of any value types; `FlagValues` gets them back one by one.
// deno-lint-ignore no-explicit-any
type Flags = Readonly<Record<string, Flag<any>>>;

/** The value types of a set of flags. */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never;
};

export interface ParsedFlags<F extends Flags> {
  readonly values: FlagValues<F>;
  /** What follows the flags. */
  readonly rest: readonly string[];
  /** Keys of the flags that were on the command line. */
  readonly given: ReadonlySet<keyof F>;
}

export interface FlagSet<F extends Flags> {
  /** The text for `-h`: a line per flag, as Go prints it. */
  readonly usage: string;
  /**
   * @throws {FlagError} When a flag is unknown, lacks its value, or the value is no good
   * @throws {HelpRequested} At `-h` or `-help`, unless declared
   * @throws {VersionRequested} At `-version`, if the set has it
   */
  parse(args: readonly string[]): ParsedFlags<F>;
  /** An error about the command line that parsing could not see; for the caller to throw. */
  error(message: string): FlagError;
}

export interface FlagSetOptions {
  /** Lines below the flags, such as the list of commands. */
  readonly trailer?: string;
  /** Whether `-version` tells what the program is made of. Default false. */
  readonly hasVersion?: boolean;
}

/**
 * Declares a program's flags. A key in camel case is the flag in kebab case:
 * `electionTicks` is given as `-election-ticks`.
 */
export function defineFlags<const F extends Flags>(
  name: string,
  flags: F,
  options: FlagSetOptions = {},
): FlagSet<F> {
  const keys = new Map(Object.keys(flags).map((key) => [toFlagName(key), key] as const));
  const { hasVersion = false } = options;
  const trailer = options.trailer === undefined ? "" : `${options.trailer.trimEnd()}\n`;
  const usage = `Usage of ${name}:\n${describeFlags(keys, flags, hasVersion)}${trailer}`;
  return {
    usage,
    error: (message) => new FlagError(message, usage),
    parse: (args) => {
      const parser = new Parser(flags, keys, usage, hasVersion ? name : undefined);
      return parser.parse(args);
    },
  };
}

function toFlagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function describeFlags(
  keys: ReadonlyMap<string, string>,
  flags: Flags,
  hasVersion: boolean,
): string {
  let text = "";
  for (const name of [...keys.keys(), ...(hasVersion ? ["version"] : [])].sort()) {
    if (name === "version" && hasVersion) text += "  -version\n    \tprint the versions and exit\n";
    const flag = flags[keys.get(name) ?? ""];
    if (flag === undefined) continue;
    const quoted = /`([^`]+)`/.exec(flag.help)?.[1];
    const placeholder = quoted ?? flag.placeholder;
    const suffix = flag.defaultText === undefined ? "" : ` (default ${flag.defaultText})`;
    const help = flag.help.replaceAll("`", "").replaceAll("\n", "\n    \t");
    text += `  -${name}${placeholder && ` ${placeholder}`}\n    \t${help}${suffix}\n`;
  }
  return text;
}

/** The reason follows a colon, as in Go. */
function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** One run over one command line. */
class Parser<F extends Flags> {
  readonly #flags: F;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #usage: string;
  /** The program's name, if it has `-version`. */
  readonly #versionOf: string | undefined;
  readonly #values: Record<string, unknown> = {};
  readonly #given = new Set<string>();

  constructor(
    flags: F,
    keys: ReadonlyMap<string, string>,
    usage: string,
    versionOf: string | undefined,
  ) {
    this.#flags = flags;
    this.#keys = keys;
    this.#usage = usage;
    this.#versionOf = versionOf;
    for (const [key, flag] of Object.entries(flags)) this.#values[key] = flag.default;
  }

  parse(args: readonly string[]): ParsedFlags<F> {
    let position = 0;
    for (;;) {
      const argument = args[position];
      // A lone `-` is an argument: it often means standard input.
      if (argument === undefined || argument.length < 2 || !argument.startsWith("-")) break;
      position++;
      if (argument === "--") break;
      position += this.#take(argument, args[position]);
    }
    return {
      values: this.#values as FlagValues<F>,
      rest: args.slice(position),
      given: this.#given,
    };
  }

  /** Takes one flag in; returns how many of the arguments after it belong to it. */
  #take(argument: string, following: string | undefined): number {
    const [, name, , value] = /^--?([^-=][^=]*)(=([\s\S]*))?$/.exec(argument) ?? [];
    if (name === undefined) throw this.#error(`bad flag syntax: ${argument}`);
    const key = this.#keys.get(name);
    const flag = key === undefined ? undefined : this.#flags[key];
    if (key === undefined || flag === undefined) {
      if (name === "h" || name === "help") throw new HelpRequested(this.#usage);
      if (name === "version" && this.#versionOf !== undefined) {
        throw new VersionRequested(this.#versionOf);
      }
      throw this.#error(`flag provided but not defined: -${name}`);
    }
    if (value !== undefined || flag.isSwitch) {
      this.#set(key, name, flag, value ?? "true");
      return 0;
    }
    if (following === undefined) throw this.#error(`flag needs an argument: -${name}`);
    this.#set(key, name, flag, following);
    return 1;
  }

  #set(key: string, name: string, flag: Flag<unknown>, text: string): void {
    try {
      this.#values[key] = flag.parse(text);
    } catch (cause) {
      const reason = lowerFirst(cause instanceof Error ? cause.message : String(cause));
      const quoted = JSON.stringify(text);
      const message = flag.isSwitch
        ? `invalid boolean value ${quoted} for -${name}: ${reason}`
        : `invalid value ${quoted} for flag -${name}: ${reason}`;
      throw new FlagError(message, this.#usage, { cause });
    }
    this.#given.add(key);
  }

  #error(message: string): FlagError {
    return new FlagError(message, this.#usage);
  }
}
