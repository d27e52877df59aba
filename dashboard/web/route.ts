/** Which page the address asks for: `#/shards?metric=bytes`, so that links and the back button work. */

export const PAGE_NAMES = [
  "overview",
  "topology",
  "shards",
  "migrations",
  "nodes",
  "keys",
] as const;

export type PageName = typeof PAGE_NAMES[number];

/** A page and what is chosen on it. */
export interface Route {
  readonly page: PageName;
  readonly params: Readonly<Record<string, string>>;
}

/** Reads the part of an address after `#`; anything unknown leads to the overview. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = splitOnce(hash.replace(/^#/, ""), "?");
  const name = path.replace(/^\//, "");
  const page = PAGE_NAMES.find((candidate) => candidate === name);
  if (page === undefined) return { page: "overview", params: {} };
  return { page, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** The inverse of {@linkcode parseRoute}. Empty parameters are left out. */
export function formatRoute(route: Route): string {
  const params = Object.entries(route.params).filter(([, value]) => value !== "");
  const query = new URLSearchParams(params).toString();
  return `#/${route.page}${query === "" ? "" : `?${query}`}`;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
