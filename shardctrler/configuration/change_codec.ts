/** Changes as messages: our own requests and eRaft's. Pure. */
import {
  type ChangeRequest,
  type CommandRequest,
  Op,
  type Servers,
} from "../../proto/gen/shardctrler.ts";
import type { ConfigChange, JoinChange } from "./change.ts";
import { decodeGroups, decodeIdentities, encodeGroups } from "./config_codec.ts";
import { NO_IDENTITY } from "./config.ts";

type ChangeMessage = NonNullable<ChangeRequest["change"]>;

/** The message of a change; the change must have passed `checkChange`. */
export function encodeChange(change: ConfigChange): ChangeMessage {
  switch (change.kind) {
    case "join":
      return {
        $case: "join",
        value: { groups: encodeGroups(change.groups, change.identities ?? new Map()) },
      };
    case "leave":
      return { $case: "leave", value: { gids: [...change.gids], force: change.force } };
    case "move":
      return { $case: "move", value: { shard: change.shard, gid: change.gid } };
    case "servers":
      return {
        $case: "servers",
        value: {
          gid: change.gid,
          servers: { servers: [...change.servers], identity: change.identity ?? NO_IDENTITY },
        },
      };
  }
}

/** The change in a request; undefined if it carries none that this version knows. */
export function decodeChange(message: ChangeRequest["change"]): ConfigChange | undefined {
  switch (message?.$case) {
    case undefined:
      return undefined;
    case "join":
      return decodeJoin(message.value.groups);
    case "leave":
      return { kind: "leave", gids: message.value.gids, force: message.value.force };
    case "move":
      return { kind: "move", shard: message.value.shard, gid: message.value.gid };
    case "servers": {
      const { gid, servers } = message.value;
      return {
        kind: "servers",
        gid,
        servers: servers?.servers ?? [],
        identity: servers?.identity ?? NO_IDENTITY,
      };
    }
  }
}

/** The change in eRaft's request; undefined if it is a query. eRaft knows no force. */
export function decodeCommand(request: CommandRequest): ConfigChange | undefined {
  switch (request.op) {
    case Op.JOIN:
      return decodeJoin(request.servers);
    case Op.LEAVE:
      return { kind: "leave", gids: request.gids, force: false };
    case Op.MOVE:
      return { kind: "move", shard: request.shard, gid: request.gid };
    default:
      return undefined;
  }
}

function decodeJoin(groups: { [gid: number]: Servers }): JoinChange {
  return { kind: "join", groups: decodeGroups(groups), identities: decodeIdentities(groups) };
}
