/** Shows the lines of many nodes as one stream, each with the name of its node in a colour of its own. */

/** ANSI foreground colours that read well on dark and on light. */
const COLORS = [36, 35, 33, 32, 34, 31, 96, 95, 92] as const;

/** Returns a writer that puts `label | ` before a node's lines, colours by the order of `labels`. */
export function createLogView(
  labels: readonly string[],
  write: (text: string) => void,
  color: boolean,
): (label: string, line: string) => void {
  const width = Math.max(...labels.map((label) => label.length));
  const prefixes = new Map(labels.map((label, index) => {
    const text = `${label.padEnd(width)} |`;
    const code = COLORS[index % COLORS.length];
    return [label, color ? `\x1b[${code}m${text}\x1b[0m` : text];
  }));
  return (label, line) => write(`${prefixes.get(label) ?? label} ${line}\n`);
}
