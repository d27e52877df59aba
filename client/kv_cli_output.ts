/** What `shardkvclient` prints: eRaft's lines, byte for byte, JSON, or bytes as they are. Pure. */
import type { KvError } from "../rpc/errors.ts";
import type { NodeStatus } from "./node_status.ts";

/** Grows when a field of the JSON output changes its meaning or goes. */
const jsonSchema = 1;
const statusRule = "-".repeat(105);
const statusWidths = [10, 25, 15, 10, 10, 15, 15];
const shardWidths = [10, 15, 15, 15];

/** One line of JSON. */
export function json(value: object): string {
  return `${JSON.stringify({ schemaVersion: jsonSchema, ...value })}\n`;
}

/** Bytes as text where they are text, else as an object that says what they are. */
export function jsonData(bytes: Uint8Array): string | { readonly base64: string } {
  return asText(bytes) ?? { base64: Buffer.from(bytes).toString("base64") };
}

/** Bytes for a terminal: text where they are text, else what JSON would say. */
export function shownData(bytes: Uint8Array): string {
  return asText(bytes) ?? JSON.stringify(jsonData(bytes));
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function asText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

export function errorJson(error: KvError): string {
  return json({ error: { code: error.code, message: error.message, maybe: error.maybe } });
}

/** The table of `status`; below each server that has shards, theirs. */
export function statusText(nodes: readonly NodeStatus[]): string {
  const header = ["GID-ID", "Address", "Role", "Term", "Applied", "Commit", "Storage(B)"];
  const lines = [row(header, statusWidths), statusRule];
  for (const node of nodes) {
    const { gid, id, address, role, term, applied, commit, storageBytes, shards } = node;
    const cells = [`${gid}-${id}`, address, role, term, applied, commit, storageBytes];
    lines.push(row(cells, statusWidths));
    if (shards.length === 0) continue;
    lines.push("  Shards:", `  ${row(["ShardID", "Status", "Keys", "Bytes"], shardWidths)}`);
    for (const { shard, status, keys, bytes } of shards) {
      lines.push(`  ${row([shard, status, keys, bytes], shardWidths)}`);
    }
    lines.push("");
  }
  return lines.map((line) => `${line}\n`).join("");
}

export function statusJson(nodes: readonly NodeStatus[]): string {
  return json({
    nodes: nodes.map(({ error, leaderAddress, ...rest }) => ({
      ...rest,
      leaderAddress: leaderAddress ?? null,
      error: error === undefined ? null : { code: error.code, message: error.message },
    })),
  });
}

/** Go's `%-10s %-25s ...`, trailing blanks included. */
function row(cells: readonly (number | string)[], widths: readonly number[]): string {
  return cells.map((cell, i) => String(cell).padEnd(widths[i] ?? 0)).join(" ");
}
