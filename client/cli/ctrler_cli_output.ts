/** What `shardctrlerclient` prints: eRaft's lines, byte for byte, or JSON. Pure. */
import type { Config, Gid } from "../../shardctrler/configuration/config.ts";
import type { ControllerStatus } from "../status/controller_status.ts";
import { errorField, jsonLine } from "./json_line.ts";
import { paddedRow } from "./padded_row.ts";

const STATUS_RULE = "-".repeat(100);
const STATUS_WIDTHS = [5, 25, 15, 10, 10, 15, 15];

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
  const { storeId, num, shards, groups, lastOwners, departed, identities } = config;
  return jsonLine({
    config: {
      storeId,
      num,
      shards,
      groups: Object.fromEntries(groups),
      lastOwners: Object.fromEntries(lastOwners),
      departed: Object.fromEntries(departed),
      identities: Object.fromEntries(identities),
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
  const row = (cells: readonly (number | string)[]) => paddedRow(cells, STATUS_WIDTHS);
  const lines = [row(header), STATUS_RULE, ...rows.map(row)];
  return lines.map((line) => `${line}\n`).join("");
}

export function statusJson(controllers: readonly ControllerStatus[]): string {
  return jsonLine({
    controllers: controllers.map(({ error, leaderAddress, ...rest }) => ({
      ...rest,
      leaderAddress: leaderAddress ?? null,
      error: errorField(error),
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
