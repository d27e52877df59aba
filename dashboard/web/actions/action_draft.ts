/** An action being put together: what is filled in, and what of it is an action already. */
import { signal } from "@preact/signals";
import type { Action } from "../../api.ts";

/** Which action, and what its button knew. */
export type ActionStart =
  | { readonly kind: "moveShard"; readonly shardId: number }
  | { readonly kind: "transferLeader"; readonly gid: number; readonly nodeId: number }
  | { readonly kind: "addGroup" }
  | { readonly kind: "removeGroup"; readonly gid: number };

/** What is typed or chosen in the dialog; texts as they stand in the fields. */
export interface ActionFields {
  readonly gid: string;
  readonly servers: string;
}

export const NO_FIELDS: ActionFields = { gid: "", servers: "" };

const GID_MAX = 2 ** 31 - 1;

/** The action whose dialog is open; null if none is. */
export const openedAction = signal<ActionStart | null>(null);

export function openAction(start: ActionStart): void {
  openedAction.value = start;
}

/** The action, once everything it needs is there; null before. */
export function toAction(start: ActionStart, fields: ActionFields): Action | null {
  const gid = readGid(fields.gid);
  switch (start.kind) {
    case "moveShard":
      return gid === null ? null : { kind: "moveShard", shardId: start.shardId, gid };
    case "transferLeader":
    case "removeGroup":
      return start;
    case "addGroup": {
      const servers = fields.servers.split(/[\s,]+/).filter((server) => server !== "");
      return gid === null || servers.length === 0 ? null : { kind: "addGroup", gid, servers };
    }
  }
}

function readGid(text: string): number | null {
  const gid = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
  return gid >= 1 && gid <= GID_MAX ? gid : null;
}
