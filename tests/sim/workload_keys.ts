/** Keys and values of the workload, made so that what happened to them can be told from a value. */

/** Keys that every client writes in every way. */
export function sharedKeys(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `key-${i}`);
}

/**
 * Keys that are only ever appended to: one for each client, and one for all of
 * them (`client` undefined).
 */
export function logKeyOf(client: number | undefined): string {
  return client === undefined ? "log-all" : `log-${client}`;
}

/** What one write leaves behind in a value, unlike any other. */
export function token(client: number, number: number): string {
  return `<${client}.${number}>`;
}

/** The tokens in a value, in their order. */
export function tokensIn(value: string | undefined): string[] {
  return value?.match(/<\d+\.\d+>/g) ?? [];
}
