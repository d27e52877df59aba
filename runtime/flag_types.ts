/** The kinds of command line flags; flags.ts says how they are declared and parsed. */
import { TIMER_MS_MAX } from "./clock.ts";
import { formatGoDuration, parseGoDuration } from "./go_duration.ts";

/** One declared flag. */
export interface Flag<T> {
  readonly default: T;
  /** What the flag does; a word in back quotes names its value in the usage text. */
  readonly help: string;
  /** Name of the value in the usage text, empty for a switch. */
  readonly placeholder: string;
  /** A switch needs no value: `-json` means `-json=true`. */
  readonly isSwitch: boolean;
  /** The default as the usage text shows it; undefined to leave it out. */
  readonly defaultText: string | undefined;
  /** @throws {Error} When the text is no such value; the message says what it must be */
  readonly parse: (text: string) => T;
}

export interface FlagOptions<T> {
  readonly default: T;
  readonly help: string;
}

export interface NumberFlagOptions extends FlagOptions<number> {
  /** Lowest value allowed. */
  readonly min?: number;
  /** Highest value allowed. */
  readonly max?: number;
}

/** An integer, also as `0x1f`, `0o17`, `017` or `0b11`. */
export function intFlag(options: NumberFlagOptions): Flag<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  return {
    ...options,
    placeholder: "int",
    isSwitch: false,
    defaultText: options.default === 0 ? undefined : String(options.default),
    parse: (text) => inRange(parseGoInt(text), min, max, String),
  };
}

/** Any text, as it is. */
export function stringFlag(options: FlagOptions<string>): Flag<string> {
  return valueFlag({ ...options, placeholder: "string", parse: (text) => text });
}

/** A switch: `-json`, `-json=false`. */
export function boolFlag(
  options: { readonly default?: boolean; readonly help: string },
): Flag<boolean> {
  const { default: value = false, help } = options;
  return {
    default: value,
    help,
    placeholder: "",
    isSwitch: true,
    defaultText: value ? "true" : undefined,
    parse: parseGoBool,
  };
}

/**
 * A duration in Go's notation; the value is in milliseconds, and so are the bounds. What no timer
 * could wait for is refused.
 */
export function durationFlag(options: NumberFlagOptions): Flag<number> {
  const { min = 0, max = TIMER_MS_MAX } = options;
  return {
    ...options,
    placeholder: "duration",
    isSwitch: false,
    defaultText: options.default === 0 ? undefined : formatGoDuration(options.default),
    parse: (text) => inRange(parseGoDuration(text), min, max, formatGoDuration),
  };
}

/** One of a few words. */
export function choiceFlag<const T extends string>(
  options: FlagOptions<NoInfer<T>> & { readonly choices: readonly T[] },
): Flag<T> {
  const { choices } = options;
  const parse = (text: string): T => {
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new SyntaxError(`It must be one of ${choices.join(", ")}`);
  };
  return valueFlag<T>({ ...options, placeholder: choices.join("|"), parse });
}

export interface ValueFlagOptions<T> extends FlagOptions<T> {
  /** Name of the value in the usage text. */
  readonly placeholder: string;
  /** @throws {Error} When the text is no such value; the message says what it must be */
  readonly parse: (text: string) => T;
  /** The default as the usage text shows it. Default: a text in quotes, nothing else. */
  readonly defaultText?: string;
}

/** A value with a grammar of its own. */
export function valueFlag<T>(options: ValueFlagOptions<T>): Flag<T> {
  const value: unknown = options.default;
  const quoted = typeof value === "string" && value !== "" ? JSON.stringify(value) : undefined;
  return { ...options, isSwitch: false, defaultText: options.defaultText ?? quoted };
}

/** As Go's `strconv.ParseInt` with base 0. */
function parseGoInt(text: string): number {
  const match =
    /^([-+]?)(?:0[xX](_?[\da-fA-F]+)+|0[bB](_?[01]+)+|0[oO]?(_?[0-7]+)+|0|[1-9](_?\d+)*)$/
      .exec(text);
  if (match === null) throw new SyntaxError("It must be an integer");
  const digits = text.replace(/^[-+]/, "").replaceAll("_", "").toLowerCase();
  const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const value = Number(octal);
  if (!Number.isSafeInteger(value)) throw new RangeError("It is out of range");
  return match[1] === "-" && value !== 0 ? -value : value;
}

/** As Go's `strconv.ParseBool`. */
function parseGoBool(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new SyntaxError("It must be true or false");
}

function inRange(value: number, min: number, max: number, show: (value: number) => string): number {
  if (value >= min && value <= max) return value;
  if (max >= Number.MAX_SAFE_INTEGER) throw new RangeError(`It must be ${show(min)} or more`);
  if (min <= Number.MIN_SAFE_INTEGER) throw new RangeError(`It must be ${show(max)} or less`);
  throw new RangeError(`It must be ${show(min)} to ${show(max)}`);
}
