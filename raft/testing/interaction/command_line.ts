/** One command of a script, taken apart: `name word word option=value`. */

/**
 * Hands out the parts of a command by kind. What nobody asked for is an error:
 * a misspelt option must not pass for an absent one.
 */
export class CommandLine {
  readonly name: string;
  readonly #words: string[];
  readonly #options = new Map<string, string>();

  /** @param text Words with spaces in them stand in double quotes */
  constructor(text: string) {
    const parts = text.match(/"[^"]*"|[^\s"]+/g) ?? [];
    this.name = parts[0] ?? "";
    this.#words = [];
    for (const part of parts.slice(1)) {
      const [option, value] = part.split(/=(.*)/);
      if (!part.startsWith('"') && option !== undefined && value !== undefined) {
        this.#options.set(option, value);
      } else this.#words.push(part.replaceAll('"', ""));
    }
  }

  /** The next word, which must be there. */
  word(what: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new SyntaxError(`Cannot run '${this.name}': no ${what} is given`);
    return word;
  }

  /** All words that are left. */
  words(): string[] {
    return this.#words.splice(0);
  }

  number(what: string): number {
    return toNumber(this.word(what));
  }

  numbers(): number[] {
    return this.words().map(toNumber);
  }

  /** Whether `word` is among the words that are left; takes it away. */
  flag(word: string): boolean {
    const at = this.#words.indexOf(word);
    if (at !== -1) this.#words.splice(at, 1);
    return at !== -1;
  }

  option(name: string): string | undefined {
    const value = this.#options.get(name);
    this.#options.delete(name);
    return value;
  }

  numberOption(name: string): number | undefined {
    const value = this.option(name);
    return value === undefined ? undefined : toNumber(value);
  }

  /** Numbers joined by commas. */
  listOption(name: string): number[] | undefined {
    return this.option(name)?.split(",").filter((part) => part !== "").map(toNumber);
  }

  /** Every option that is left. */
  options(): [name: string, value: string][] {
    const all = [...this.#options];
    this.#options.clear();
    return all;
  }

  /** @throws {SyntaxError} If something was given that the command does not know */
  end(): void {
    const left = [...this.#words, ...this.#options.keys()];
    if (left.length > 0) {
      throw new SyntaxError(`Cannot run '${this.name}': it does not know '${left.join("', '")}'`);
    }
  }
}

function toNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new SyntaxError(`Cannot read '${text}': not a number`);
  return value;
}
