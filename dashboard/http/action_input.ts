/** From JSON of somebody to an action, and from there to a change and a command line. Pure. */
import { isAddress } from "../../rpc/address.ts";
import type { ConfigChange } from "../../shardctrler/configuration/change.ts";
import { isGid } from "../../shardctrler/configuration/config_check.ts";
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import type { Action } from "../api.ts";
import { HttpError } from "./http_error.ts";

/** @throws {HttpError} 400 that names what is wrong */
export function parseAction(input: unknown): Action {
  const fields = typeof input === "object" && input !== null ? input as Fields : {};
  switch (fields["kind"]) {
    case "moveShard":
      return { kind: "moveShard", shardId: numberIn(fields, "shardId"), gid: gidIn(fields) };
    case "transferLeader": {
      const gid = fields["gid"] === CONTROLLERS_GID ? CONTROLLERS_GID : gidIn(fields);
      return { kind: "transferLeader", gid, nodeId: numberIn(fields, "nodeId") };
    }
    case "addGroup":
      return { kind: "addGroup", gid: gidIn(fields), servers: serversIn(fields) };
    case "removeGroup":
      return { kind: "removeGroup", gid: gidIn(fields) };
    default:
      throw invalid("'kind' must be moveShard, transferLeader, addGroup or removeGroup");
  }
}

/** The change of the configuration that an action stands for; undefined if it changes none. */
export function changeOf(action: Action): ConfigChange | undefined {
  switch (action.kind) {
    case "moveShard":
      return { kind: "move", shard: action.shardId, gid: action.gid };
    case "addGroup":
      return { kind: "join", groups: new Map([[action.gid, action.servers]]) };
    case "removeGroup":
      return { kind: "leave", gids: [action.gid], force: false };
    case "transferLeader":
      return undefined;
  }
}

/** What one would type for the same. */
export function commandOf(action: Action, controllers: readonly string[]): string {
  const isDefault = controllers.length === DEFAULT_PORTS.length &&
    controllers.every((address, i) =>
      ["localhost", "127.0.0.1"].some((host) => address === `${host}:${DEFAULT_PORTS[i]}`)
    );
  const flags = isDefault ? "" : ` -cluster ${controllers.join(",")}`;
  return `shardctrlerclient${flags} ${wordsOf(action)}`;
}

/** Where `shardctrlerclient` looks by itself. */
const DEFAULT_PORTS = [50_051, 50_052, 50_053];

function wordsOf(action: Action): string {
  switch (action.kind) {
    case "moveShard":
      return `move ${action.shardId} ${action.gid}`;
    case "transferLeader":
      return `member transfer ${action.gid} ${action.nodeId}`;
    case "addGroup":
      return `join ${action.gid}=${action.servers.join(",")}`;
    case "removeGroup":
      return `leave ${action.gid}`;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`'${name}' must be an integer of 0 or more`);
}

function gidIn(fields: Fields): number {
  const value = fields["gid"];
  if (typeof value === "number" && isGid(value)) return value;
  throw invalid("'gid' must be the id of a group");
}

function serversIn(fields: Fields): string[] {
  const value = fields["servers"];
  const isList = Array.isArray(value) && value.every((server) => typeof server === "string");
  if (isList && value.every(isAddress)) return [...value];
  throw invalid("'servers' must be a list of addresses, host:port");
}

function invalid(why: string): HttpError {
  return new HttpError(400, "INVALID_ARGUMENT", `Cannot read the action: ${why}`);
}
