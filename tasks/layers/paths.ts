/** The path behind a `file:` URL; undefined for other URLs. */
export function fromFileUrl(specifier: string): string | undefined {
  return specifier.startsWith("file://")
    ? decodeURIComponent(new URL(specifier).pathname)
    : undefined;
}
