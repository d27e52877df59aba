/** The network between the nodes, as the suite rules it. */
import {
  CLIENT,
  linkName,
  type LinkNote,
  type LinkOrder,
  type LinkRule,
  type ProxiedNode,
} from "./link_rules.ts";

export class Links implements Disposable {
  readonly #worker = new Worker(new URL("./proxy_worker.ts", import.meta.url), { type: "module" });
  readonly #rules = new Map<string, LinkRule>();
  #opening = Promise.withResolvers<void>();

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<LinkNote>) => {
      if (data.kind === "opened") this.#opening.resolve();
      else this.#opening.reject(new Error(`Cannot rule the network: ${data.error}`));
    });
  }

  /** Opens the proxies of these nodes. */
  async open(nodes: readonly ProxiedNode[]): Promise<void> {
    this.#opening = Promise.withResolvers();
    this.#order({ kind: "open", nodes });
    await this.#opening.promise;
  }

  /** A node was started: its connections are known by its process. */
  setProcess(label: string, pid: number): void {
    this.#order({ kind: "process", label, pid });
  }

  /** Has the rule apply to everything that one of `from` sends to one of `to`. */
  rule(from: readonly string[], to: readonly string[], rule: LinkRule): void {
    for (const a of from) {
      for (const b of to) {
        if (a !== b) {
          this.#rules.set(linkName(a, b), { ...this.#rules.get(linkName(a, b)), ...rule });
        }
      }
    }
    this.#order({ kind: "rules", rules: this.#rules });
  }

  /** Cuts both ways between two sets of nodes. */
  cut(some: readonly string[], others: readonly string[]): void {
    this.rule(some, others, { cut: true });
    this.rule(others, some, { cut: true });
  }

  /** Cuts nodes off from the clients too. */
  cutClients(labels: readonly string[]): void {
    this.cut(labels, [CLIENT]);
  }

  /** Breaks the connections from and to nodes. */
  reset(labels: readonly string[]): void {
    this.#order({ kind: "reset", labels });
  }

  /** All links are well; what was held up arrives. */
  heal(): void {
    this.#rules.clear();
    this.#order({ kind: "rules", rules: this.#rules });
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #order(order: LinkOrder): void {
    this.#worker.postMessage(order);
  }
}
