/** What `shardctrlerclient` prints: eRaft's lines, byte for byte, or JSON. Pure. */
import type { Config, Gid } from "../shardctrler/config.ts";
import type { ControllerStatus } from "./controller_status.ts";

/** Grows when a field of the JSON output changes its meaning or goes. */
const JSON_SCHEMA = 1;
const STATUS_RULE = "-".repeat(100);

/** `Config #2` and what follows; groups by ascending gid. */
export function configText(config: Config): string {
  const lines = [
    `Config #${config.num}`,
    `  Shards: ${goList(config.shards)}`,
    "  Groups:",
    ...groupLines(config.groups),
  ];
  // A state eRaft does not know: groups that left and still hold the shards' data.
  if (config.departed.size > 0) lines.push("  Departed:", ...groupLines(config.departed));
  return lines.map((line) => `${line}\n`).join("");
}

export function configJson(config: Config): string {
  const { storeId, num, shards, groups, lastOwners, departed } = config;
  return json({
    config: {
      storeId,
      num,
      shards,
      groups: Object.fromEntries(groups),
      lastOwners: Object.fromEntries(lastOwners),
      departed: Object.fromEntries(departed),
    },
  });
}

/** The table of `status`. */
export function statusText(controllers: readonly ControllerStatus[]): string {
  const header = ["ID", "Address", "Role", "Term", "Applied", "Commit", "Storage(B)"];
  const rows = controllers.map((one) => [
    one.id,
    one.address,
    one.role,
    one.term,
    one.applied,
    one.commit,
    one.storageBytes,
  ]);
  const lines = [statusRow(header), STATUS_RULE, ...rows.map(statusRow)];
  return lines.map((line) => `${line}\n`).join("");
}

export function statusJson(controllers: readonly ControllerStatus[]): string {
  return json({
    controllers: controllers.map(({ error, leaderAddress, ...rest }) => ({
      ...rest,
      leaderAddress: leaderAddress ?? null,
      error: error === undefined ? null : { code: error.code, message: error.message },
    })),
  });
}

function groupLines(groups: ReadonlyMap<Gid, readonly string[]>): string[] {
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([gid, servers]) => `    ${gid}: ${goList(servers)}`);
}

/** Go's `%v` of a slice. */
function goList(items: readonly (number | string)[]): string {
  return `[${items.join(" ")}]`;
}

/** Go's `%-5d %-25s %-15s %-10d %-10d %-15d %-15d`, trailing blanks included. */
function statusRow(cells: readonly (number | string)[]): string {
  const widths = [5, 25, 15, 10, 10, 15, 15];
  return cells.map((cell, i) => String(cell).padEnd(widths[i] ?? 0)).join(" ");
}

function json(value: object): string {
  return `${JSON.stringify({ schemaVersion: JSON_SCHEMA, ...value })}\n`;
}
