/** The state of the whole cluster in one sentence. */
import type { Overview } from "../api.ts";
import type { Messages } from "./messages/messages.ts";

/** Such as "All 64 shards are served; 1 of 9 nodes is down." */
export function healthSentence(overview: Overview, { health }: Messages): string {
  return health.sentence(shardsClause(overview, health), nodesClause(overview, health));
}

function shardsClause(overview: Overview, words: Messages["health"]): string {
  const { shardsServed: served, shardsTotal: total } = overview;
  if (overview.health === "unknown") return words.unknown;
  if (overview.groups === 0 || total === 0) return words.noGroups;
  if (served >= total) return words.allServed(total);
  return served === 0 ? words.noneServed(total) : words.someServed(served, total);
}

function nodesClause({ nodesUp, nodesTotal }: Overview, words: Messages["health"]): string {
  const down = nodesTotal - nodesUp;
  return down > 0 ? words.someDown(down, nodesTotal) : words.allUp(nodesTotal);
}
