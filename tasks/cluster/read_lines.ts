/** Splitting what a process prints into lines. */

/** A longer line is cut into pieces of this many characters, so that memory stays bounded. */
const LINE_CHARACTERS_MAX = 64 * 1024;

/** Yields the lines of a byte stream without their ends, and a last one without an end. */
export async function* readLines(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
    while (rest.length > LINE_CHARACTERS_MAX) {
      yield rest.slice(0, LINE_CHARACTERS_MAX);
      rest = rest.slice(LINE_CHARACTERS_MAX);
    }
  }
  if (rest !== "") yield rest;
}
