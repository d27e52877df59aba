/** What needs a look: found anew in every state, each with the time since which it has been there. Pure. */
import { CONTROLLERS_GID, type Gid, NO_GROUP } from "../../shardctrler/configuration/config.ts";
import type { Instant, NodeView, Problem } from "../api.ts";
import type { Observation } from "./observation.ts";
import type { ShardViews } from "./shard_view.ts";

/** Entries a voter may be behind without being told of: a busy group has a few hundred under way. */
const LAG_MAX = 1_000;

/** Of equally severe ones, in this order. */
const CODES: readonly Problem["code"][] = [
  "controllersUnreachable",
  "groupDown",
  "noControllerLeader",
  "noGroupLeader",
  "noGroups",
  "shardUnserved",
  "groupAtRisk",
  "nodeDown",
  "moveStalled",
  "nodeLagging",
  "groupDeparted",
  "versionsDiffer",
];

export interface ProblemSources {
  readonly observation: Observation;
  readonly nodes: readonly NodeView[];
  readonly shards: ShardViews;
  /** Gids of groups that left and still hold shards. */
  readonly departed: readonly Gid[];
  /** Those of the state before. */
  readonly before: readonly Problem[];
}

/** Worst first. */
export function findProblems(sources: ProblemSources): Problem[] {
  const found = [
    ...quorumProblems(sources.nodes),
    ...nodeProblems(sources.nodes),
    ...shardProblems(sources),
    ...stalledMoves(sources.observation),
    ...sources.departed.map((gid): Problem => ({
      code: "groupDeparted",
      severity: "warning",
      gid,
    })),
    ...versionProblems(sources.nodes),
  ];
  return dated(found, sources.before, sources.observation.at).sort(byUrgency);
}

function quorumProblems(nodes: readonly NodeView[]): Problem[] {
  return [...Map.groupBy(nodes, ({ gid }) => gid)].flatMap(([gid, members]) => {
    const problem = quorumProblem(gid, members);
    return problem === undefined ? [] : [problem];
  });
}

function quorumProblem(gid: Gid, members: readonly NodeView[]): Problem | undefined {
  const voters = members.filter(({ role }) => role !== "Learner");
  const up = voters.filter(({ healthy }) => healthy).length;
  const quorum = Math.floor(voters.length / 2) + 1;
  const isControllers = gid === CONTROLLERS_GID;
  const critical = (code: Problem["code"]): Problem => ({ code, severity: "critical", gid });
  if (up === 0 && isControllers) return critical("controllersUnreachable");
  if (up < quorum) {
    return { ...critical(isControllers ? "noControllerLeader" : "groupDown"), count: up };
  }
  if (!members.some(({ role }) => role === "Leader")) {
    return critical(isControllers ? "noControllerLeader" : "noGroupLeader");
  }
  const isAtRisk = up === quorum && up < voters.length;
  return isAtRisk ? { code: "groupAtRisk", severity: "warning", gid, count: up } : undefined;
}

function nodeProblems(nodes: readonly NodeView[]): Problem[] {
  return nodes.flatMap((node): Problem[] => {
    const { gid, id: nodeId, address, healthy, lastSeen, lag, role } = node;
    const about = { severity: "warning", gid, nodeId, address } as const;
    if (!healthy) {
      return [{ ...about, code: "nodeDown", ...(lastSeen !== null && { since: lastSeen }) }];
    }
    // A learner is there to catch up.
    if (lag === null || lag < LAG_MAX || role === "Learner") return [];
    return [{ ...about, code: "nodeLagging", count: lag }];
  });
}

function shardProblems({ observation: { config }, shards }: ProblemSources): Problem[] {
  if (config === undefined) return [];
  if (config.groups.size === 0) return [{ code: "noGroups", severity: "critical" }];
  const [shardId] = shards.unserved;
  if (shardId === undefined) return [];
  const stateOf = (shard: number) => shards.shards[shard]?.state;
  const isOnItsWay = (shard: number) =>
    config.shards[shard] !== NO_GROUP && stateOf(shard) === "Pulling";
  const severity = shards.unserved.every(isOnItsWay) ? "warning" : "critical";
  return [{ code: "shardUnserved", severity, shardId, count: shards.unserved.length }];
}

function stalledMoves({ stalled }: Observation): Problem[] {
  return stalled.map((moves) => ({ code: "moveStalled", severity: "warning", ...moves }));
}

function versionProblems(nodes: readonly NodeView[]): Problem[] {
  // A server that does not tell its version may be of any.
  const telling = nodes.filter(({ healthy, version }) => healthy && version !== "");
  const versions = new Set(telling.map(({ version }) => version));
  if (versions.size < 2) return [];
  return [{ code: "versionsDiffer", severity: "warning", count: versions.size }];
}

/** A problem that was there before keeps its time, whatever else of it has changed. */
function dated(found: readonly Problem[], before: readonly Problem[], now: Instant): Problem[] {
  const since = new Map(before.map((problem) => [keyOf(problem), problem.since]));
  return found.map((problem) => ({
    ...problem,
    since: since.get(keyOf(problem)) ?? problem.since ?? now,
  }));
}

function keyOf({ code, gid, nodeId }: Problem): string {
  return `${code} ${gid} ${nodeId}`;
}

function byUrgency(a: Problem, b: Problem): number {
  if (a.severity !== b.severity) return a.severity === "critical" ? -1 : 1;
  return CODES.indexOf(a.code) - CODES.indexOf(b.code) ||
    (a.gid ?? 0) - (b.gid ?? 0) || (a.nodeId ?? 0) - (b.nodeId ?? 0);
}
