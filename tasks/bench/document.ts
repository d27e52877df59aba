/** The part of a page that a task writes, between two comments. Pure. */

/** A page lacks the place for what is to be written. */
export class DocumentError extends Error {
  override readonly name = "DocumentError";
}

/**
 * The page with another text between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
 *
 * @throws {DocumentError} When the two comments are not there, one after the other
 */
export function replaceSection(page: string, name: string, text: string): string {
  const begin = `<!-- ${name}: begin -->\n`;
  const end = `<!-- ${name}: end -->\n`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) {
    throw new DocumentError(`Cannot write section '${name}': the page has no place for it`);
  }
  return `${page.slice(0, from)}${begin}\n${text.trim()}\n\n${page.slice(to)}`;
}
