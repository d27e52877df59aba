/** What `shardctrlerclient` was asked to do: from words to a command. */

import { parseAddress } from "../../rpc/address.ts";
import { GID_MAX, isGid } from "../../shardctrler/configuration/config_check.ts";
import {
  CONTROLLERS_GID,
  type Gid,
  type ShardId,
  SHARDS_MAX,
} from "../../shardctrler/configuration/config.ts";
import { flagHint, UsageError, wrongCount } from "./cli_usage.ts";

/** A command, checked as far as its words go. */
export type CtrlerCommand =
  | { readonly kind: "join"; readonly groups: ReadonlyMap<Gid, readonly string[]> }
  | { readonly kind: "leave"; readonly gids: readonly Gid[] }
  | { readonly kind: "move"; readonly shard: ShardId; readonly gid: Gid }
  | { readonly kind: "query"; readonly num: number }
  | { readonly kind: "moves" }
  | MemberCommand
  /** Gids to compare the replicas of; empty for all, the controllers (0) among them. */
  | { readonly kind: "check"; readonly gids: readonly Gid[] }
  | { readonly kind: "status" };

/** About the members of one group; group 0 stands for the controllers. */
export type MemberCommand =
  | { readonly kind: "member"; readonly verb: "list"; readonly gid: Gid }
  | {
    readonly kind: "member";
    readonly verb: "add";
    readonly gid: Gid;
    readonly address: string;
  }
  | {
    readonly kind: "member";
    readonly verb: "promote" | "remove" | "transfer";
    readonly gid: Gid;
    readonly id: number;
  };

export const USAGE = `Usage: shardctrlerclient [options] <command> [args]
Commands:
  join <gid>=<server1>,<server2>...  Add replica groups
  leave <gid1> <gid2>...             Remove replica groups
  move <shard> <gid>                 Move shard to group
  query [num]                        Fetch configuration
  moves                              Show the shards on their way
  status                             Get cluster status
  check [gid1] [gid2]...             Compare the replicas of groups (0: the controllers; none: all)
  member list <gid>                  List the members of a group (0: the controllers)
  member add <gid> <address>         Add a member that learns and does not vote yet
  member promote <gid> <id>          Give a member that has caught up a vote
  member remove <gid> <id>           Take a member out for good
  member transfer <gid> <id>         Hand the group's leadership to a member
`;

/** @throws {UsageError} If the words make no sense */
export function parseCommand(words: readonly string[]): CtrlerCommand {
  const [verb, ...args] = words;
  switch (verb) {
    case undefined:
      throw new UsageError("Cannot start: no command is given", USAGE);
    case "join":
      requireCount(verb, args, 1, Infinity, "join <gid>=<server1>,<server2>...");
      return { kind: "join", groups: parseGroups(args) };
    case "leave":
      requireCount(verb, args, 1, Infinity, "leave <gid1> <gid2>...");
      return { kind: "leave", gids: args.map((arg) => parseGid(arg, "leave")) };
    case "move": {
      requireCount(verb, args, 2, 2, "move <shard> <gid>");
      const [shard = "", gid = ""] = args;
      return { kind: "move", shard: parseShard(shard), gid: parseGid(gid, "move a shard to") };
    }
    case "query":
      requireCount(verb, args, 0, 1, "query [num]");
      return { kind: "query", num: args[0] === undefined ? -1 : parseNum(args[0]) };
    case "moves":
      requireCount(verb, args, 0, 0, "moves");
      return { kind: "moves" };
    case "status":
      requireCount(verb, args, 0, 0, "status");
      return { kind: "status" };
    case "check":
      return { kind: "check", gids: args.map(parseGidOrZero) };
    case "member":
      return parseMember(args);
    default:
      throw unknownCommand(verb);
  }
}

function parseMember(args: readonly string[]): MemberCommand {
  const [verb = "", gidText = "", last = ""] = args;
  switch (verb) {
    case "list":
      requireCount("member list", args, 2, 2, "member list <gid>");
      return { kind: "member", verb, gid: parseGidOrZero(gidText) };
    case "add":
      requireCount("member add", args, 3, 3, "member add <gid> <address>");
      return { kind: "member", verb, gid: parseGidOrZero(gidText), address: parsedAddress(last) };
    case "promote":
    case "remove":
    case "transfer":
      requireCount(`member ${verb}`, args, 3, 3, `member ${verb} <gid> <id>`);
      return { kind: "member", verb, gid: parseGidOrZero(gidText), id: parseId(last) };
    default:
      throw unknownCommand(verb === "" ? "member" : `member ${verb}`);
  }
}

/** The usage is what eRaft prints, and does not tell which word it is about. */
function unknownCommand(words: string): UsageError {
  const message = `Cannot do "${words}": there is no such command`;
  return new UsageError(message, USAGE, message);
}

function parseGidOrZero(text: string): Gid {
  if (text === String(CONTROLLERS_GID)) return CONTROLLERS_GID;
  return parseGid(text, "look for", ` or ${CONTROLLERS_GID} for the controllers`);
}

function parseId(text: string): number {
  const id = parseInteger(text);
  if (id !== undefined && id >= 0) return id;
  throw new UsageError(
    `Cannot find member "${text}": its id must be an integer of 0 or more${flagHint(text)}`,
  );
}

function parsedAddress(text: string): string {
  try {
    parseAddress(text);
    return text;
  } catch (error) {
    throw new UsageError((error as Error).message + flagHint(text));
  }
}

function requireCount(
  verb: string,
  args: readonly string[],
  min: number,
  max: number,
  usage: string,
): void {
  if (args.length < min || args.length > max) throw wrongCount(verb, args, max, usage);
}

function parseGroups(args: readonly string[]): Map<Gid, readonly string[]> {
  const groups = new Map<Gid, readonly string[]>();
  for (const arg of args) {
    const equals = arg.indexOf("=");
    if (equals === -1) {
      throw new UsageError(
        `Cannot join "${arg}": it must be <gid>=<server1>,<server2>...${flagHint(arg)}`,
      );
    }
    const gid = parseGid(arg.slice(0, equals), "join");
    if (groups.has(gid)) throw new UsageError(`Cannot join group ${gid}: it is given twice`);
    groups.set(gid, arg.slice(equals + 1).split(",").map(parsedAddress));
  }
  return groups;
}

function parseGid(text: string, verb: string, alternative = ""): Gid {
  const gid = parseInteger(text);
  if (gid !== undefined && isGid(gid)) return gid;
  throw new UsageError(
    `Cannot ${verb} group "${text}": a group id must be an integer in 1..${GID_MAX}` +
      `${alternative}${flagHint(text)}`,
  );
}

function parseShard(text: string): ShardId {
  const shard = parseInteger(text);
  if (shard !== undefined && shard >= 0 && shard < SHARDS_MAX) return shard;
  throw new UsageError(
    `Cannot move shard "${text}": a shard must be an integer in 0..${SHARDS_MAX - 1}` +
      flagHint(text),
  );
}

function parseNum(text: string): number {
  const num = parseInteger(text);
  if (num !== undefined) return num;
  throw new UsageError(
    `Cannot query configuration "${text}": its number must be an integer${flagHint(text)}`,
  );
}

function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
