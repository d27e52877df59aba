/** What every node has said, in a file for each. */

const encoder = new TextEncoder();

export class NodeLogs implements Disposable {
  readonly #folder: string;
  readonly #files = new Map<string, Deno.FsFile>();

  /** @param folder Must be there */
  constructor(folder: string) {
    this.#folder = folder;
  }

  write(label: string, line: string): void {
    let file = this.#files.get(label);
    if (file === undefined) {
      file = Deno.openSync(`${this.#folder}/${label}.log`, { create: true, append: true });
      this.#files.set(label, file);
    }
    file.writeSync(encoder.encode(`${new Date().toISOString()} ${line}\n`));
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}
