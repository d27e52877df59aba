/** A problem in words: what it is, why it matters, what to do, and the command to type. */
import type { NodeView, Problem } from "../api.ts";
import type { Format } from "./format.ts";
import type { Messages } from "./messages/messages.ts";

export interface ProblemText {
  readonly what: string;
  readonly why: string;
  readonly fix: string;
  readonly command: string;
}

/** Where the texts get names, figures and addresses from. */
export interface ProblemContext {
  readonly messages: Messages;
  readonly format: Format;
  readonly nodes: readonly NodeView[];
}

export function nameNode(gid: number, id: number, { names }: Messages): string {
  return gid === 0 ? names.controller(id) : names.node(gid, id);
}

/** Group 0 stands for none. */
export function nameGroup(gid: number, { names }: Messages): string {
  return gid === 0 ? names.noGroup : names.group(gid);
}

export function describeProblem(problem: Problem, context: ProblemContext): ProblemText {
  const words = context.messages.problems[problem.code];
  const { why, fix } = words;
  return { what: describeWhat(problem, context), why, fix, command: commandFor(problem, context) };
}

function describeWhat(problem: Problem, { messages, format }: ProblemContext): string {
  const { problems } = messages;
  const count = problem.count ?? 1;
  const group = nameGroup(problem.gid ?? 0, messages);
  const node = nameNode(problem.gid ?? 0, problem.nodeId ?? 0, messages);
  switch (problem.code) {
    case "controllersUnreachable":
    case "noControllerLeader":
    case "noGroups":
      return problems[problem.code].what;
    case "nodeDown":
      return problems.nodeDown.what(node);
    case "nodeLagging":
      return problems.nodeLagging.what(node, format.count(count));
    case "noGroupLeader":
    case "groupAtRisk":
    case "groupDown":
    case "groupDeparted":
      return problems[problem.code].what(group);
    case "shardUnserved":
    case "moveStalled":
    case "versionsDiffer":
      return problems[problem.code].what(count);
  }
}

/** Directories are not known here, nor the first members of a group whose members have changed. */
const AS_BEFORE = "<as before>";

function commandFor(problem: Problem, { nodes }: ProblemContext): string {
  const gid = problem.gid ?? 0;
  const admin = `shardctrlerclient -cluster "${addresses(nodes, 0)}"`;
  switch (problem.code) {
    case "nodeDown":
      return startCommand(nodes, gid, problem.nodeId ?? 0);
    case "controllersUnreachable":
    case "noControllerLeader":
    case "groupAtRisk":
    case "groupDown":
    case "noGroupLeader": {
      const down = nodes.find((node) => node.gid === gid && !node.healthy);
      return down === undefined ? `${admin} status` : startCommand(nodes, gid, down.id);
    }
    case "noGroups":
      return `${admin} join 100=localhost:6001,localhost:6002,localhost:6003`;
    case "nodeLagging":
      return `${admin} member list ${gid}`;
    case "groupDeparted":
    case "moveStalled":
      return `${admin} query`;
    case "shardUnserved":
    case "versionsDiffer":
      return `shardkvclient -ctrlers "${addresses(nodes, 0)}" status`;
  }
}

function startCommand(nodes: readonly NodeView[], gid: number, id: number): string {
  const members = nodes.filter((node) => node.gid === gid);
  const first = members.every((node, index) => node.id === index);
  const cluster = first ? addresses(nodes, gid) : AS_BEFORE;
  const program = gid === 0 ? "shardctrlerserver" : "shardkvserver";
  const own = gid === 0
    ? `-cluster "${cluster}"`
    : `-gid ${gid} -cluster "${cluster}" -ctrlers "${addresses(nodes, 0)}"`;
  return `${program} -id ${id} ${own} -db "${AS_BEFORE}"`;
}

function addresses(nodes: readonly NodeView[], gid: number): string {
  return nodes.filter((node) => node.gid === gid).map((node) => node.address).join(",");
}
