/** The proxies of all nodes, on a thread of their own: what the clients and the judge do holds up no bytes. */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { CLIENT, type LinkNote, type LinkOrder, type LinkRules } from "./link_rules.ts";
import { NodeProxy, type Weather } from "./node_proxy.ts";
import { ownerOf } from "./socket_owner.ts";

let rules: LinkRules = new Map();
let change = Promise.withResolvers<void>();
const weather: Weather = {
  rule: (link) => rules.get(link) ?? {},
  get changed() {
    return change.promise;
  },
};
const proxies = new Map<string, NodeProxy>();
/** Label of each process. */
const labels = new Map<number, string>();

function senderOf(port: number, proxyPort: number): string {
  const pid = ownerOf(port, proxyPort, labels.keys());
  return pid === undefined ? CLIENT : labels.get(pid) ?? CLIENT;
}

function obey(order: LinkOrder): void {
  switch (order.kind) {
    case "open":
      for (const node of order.nodes) {
        const options = { ...node, weather, senderOf: (port: number) => senderOf(port, node.port) };
        proxies.set(node.label, new NodeProxy(options));
      }
      return tell({ kind: "opened" });
    case "process":
      for (const [pid, label] of labels) if (label === order.label) labels.delete(pid);
      labels.set(order.pid, order.label);
      return;
    case "rules":
      rules = order.rules;
      change.resolve();
      change = Promise.withResolvers();
      return;
    case "reset":
      for (const label of order.labels) {
        proxies.get(label)?.resetAll();
        for (const proxy of proxies.values()) proxy.reset(label);
      }
      return;
  }
}

function tell(note: LinkNote): void {
  self.postMessage(note);
}

self.addEventListener("message", ({ data }: MessageEvent<LinkOrder>) => {
  try {
    obey(data);
  } catch (error) {
    tell({ kind: "failed", error: String(error) });
  }
});
