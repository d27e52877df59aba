/** What `shardkvclient` prints: eRaft's lines, byte for byte, JSON, or bytes as they are. Pure. */
import type { NodeStatus } from "../status/node_status.ts";
import { errorField, jsonLine } from "./json_line.ts";
import { paddedRow } from "./padded_row.ts";

const STATUS_RULE = "-".repeat(105);
const STATUS_WIDTHS = [10, 25, 15, 10, 10, 15, 15];
const SHARD_WIDTHS = [10, 15, 15, 15];

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

/** The table of `status`; below each server that has shards, theirs. */
export function statusText(nodes: readonly NodeStatus[]): string {
  const header = ["GID-ID", "Address", "Role", "Term", "Applied", "Commit", "Storage(B)"];
  const lines = [paddedRow(header, STATUS_WIDTHS), STATUS_RULE];
  for (const node of nodes) {
    const { gid, id, address, role, term, applied, commit, storageBytes, shards } = node;
    const cells = [`${gid}-${id}`, address, role, term, applied, commit, storageBytes];
    lines.push(paddedRow(cells, STATUS_WIDTHS));
    if (shards.length === 0) continue;
    lines.push("  Shards:", `  ${paddedRow(["ShardID", "Status", "Keys", "Bytes"], SHARD_WIDTHS)}`);
    for (const { shard, status, keys, bytes } of shards) {
      lines.push(`  ${paddedRow([shard, status, keys, bytes], SHARD_WIDTHS)}`);
    }
    lines.push("");
  }
  return lines.map((line) => `${line}\n`).join("");
}

export function statusJson(nodes: readonly NodeStatus[]): string {
  return jsonLine({
    nodes: nodes.map(({ error, leaderAddress, ...rest }) => ({
      ...rest,
      leaderAddress: leaderAddress ?? null,
      error: errorField(error),
    })),
  });
}
