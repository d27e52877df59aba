/** What happens to bytes on their way from one node to another. */

/** Everything a link can suffer. TCP loses nothing: bytes that are held up arrive later, in order. */
export interface LinkRule {
  /** Nothing arrives until the link is healed; new connections cannot be made. */
  readonly cut?: boolean;
  /** Milliseconds that bytes take. */
  readonly delayMs?: number;
  /** At most so many milliseconds more, drawn each time. */
  readonly jitterMs?: number;
  /** Once in so many times bytes are lost, and take as long as it takes TCP to send them anew. */
  readonly lossOdds?: number;
}

/** The rules of all links that are not well, by sender and receiver. */
export type LinkRules = ReadonlyMap<string, LinkRule>;

/** Senders that are no node of the cluster: clients, and whoever looks at the cluster. */
export const CLIENT = "client";

export function linkName(from: string, to: string): string {
  return `${from} > ${to}`;
}

/** What the proxies are told. */
export type LinkOrder =
  | { readonly kind: "open"; readonly nodes: readonly ProxiedNode[] }
  /** A node runs as another process from now on. */
  | { readonly kind: "process"; readonly label: string; readonly pid: number }
  | { readonly kind: "rules"; readonly rules: LinkRules }
  /** Breaks all connections from and to the nodes. */
  | { readonly kind: "reset"; readonly labels: readonly string[] };

/** A node that is reached through a proxy. */
export interface ProxiedNode {
  readonly label: string;
  /** Where the proxy listens: what everybody takes for the node's address. */
  readonly port: number;
  /** Where the node listens. */
  readonly target: number;
}

/** What the proxies answer. */
export type LinkNote =
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly error: string };
