/**
 * Reads and writes interaction scripts: prose, commands, and what they print.
 *
 * A script is made of paragraphs. Lines that begin with `#` are prose. A
 * paragraph of commands ends in a line `----`; what follows up to the next
 * empty line is what the commands print.
 */

/** Commands and what they are expected to print. */
export interface Block {
  readonly kind: "block";
  /** Where the first command stands, from 1 on. */
  readonly line: number;
  readonly commands: readonly string[];
  readonly expected: readonly string[];
}

/** Lines that are kept as they are. */
export interface Prose {
  readonly kind: "prose";
  readonly lines: readonly string[];
}

export type Part = Block | Prose;

const SEPARATOR = "----";

function isProse(line: string): boolean {
  return line === "" || line.startsWith("#");
}

/** @throws {SyntaxError} If commands end without the line that announces what they print */
export function parseScript(text: string): Part[] {
  const lines = text.replace(/\n$/, "").split("\n");
  const parts: Part[] = [];
  let at = 0;
  const takeWhile = (belongs: (line: string) => boolean): string[] => {
    const taken: string[] = [];
    for (let line = lines[at]; line !== undefined && belongs(line); line = lines[++at]) {
      taken.push(line);
    }
    return taken;
  };
  while (at < lines.length) {
    const prose = takeWhile(isProse);
    if (prose.length > 0) parts.push({ kind: "prose", lines: prose });
    const line = at + 1;
    const commands = takeWhile((line) => line !== SEPARATOR && !isProse(line));
    if (commands.length === 0 && at >= lines.length) break;
    if (commands.length === 0 || lines[at] !== SEPARATOR) {
      throw new SyntaxError(`Cannot read line ${at + 1}: '${SEPARATOR}' must follow commands`);
    }
    at++;
    parts.push({ kind: "block", line, commands, expected: takeWhile((line) => line !== "") });
  }
  return parts;
}

export function renderScript(parts: readonly Part[]): string {
  const lines = parts.flatMap((part) =>
    part.kind === "prose" ? part.lines : [...part.commands, SEPARATOR, ...part.expected]
  );
  return `${lines.join("\n")}\n`;
}
