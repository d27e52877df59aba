/** What `shardctrlerclient moves` prints. Pure. */
import type { Move, Moves } from "../status/moves.ts";
import { jsonLine } from "./json_line.ts";
import { paddedRow } from "./padded_row.ts";

const HEADER = [
  "Shard",
  "From",
  "To",
  "Config",
  "Phase",
  "Keys",
  "MiB",
  "%",
  "MiB/s",
  "ETA(s)",
  "Elapsed(s)",
];
const WIDTHS = [7, 6, 6, 7, 13, 12, 10, 5, 8, 8, 10];
const MIB = 1 << 20;

/** A table, or one line if there is nothing to show. */
export function movesText({ configNum, moves, behind }: Moves): string {
  const lines: string[] = [];
  if (moves.length > 0) lines.push(row(HEADER), ...moves.map(cellsOf).map(row));
  if (behind.length > 0) {
    lines.push(`Not yet in configuration ${configNum}: ${groups(behind)}`);
  }
  if (lines.length === 0) {
    lines.push(`No shard is on its way: configuration ${configNum} is in force`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

export function movesJson({ configNum, moves, behind }: Moves): string {
  const all = moves.map((move) => {
    const { percent, etaSeconds } = estimate(move);
    return { ...move, percent: percent ?? null, etaSeconds: etaSeconds ?? null };
  });
  return jsonLine({ configNum, moves: all, behind });
}

function cellsOf(move: Move): (string | number)[] {
  const { percent, etaSeconds } = estimate(move);
  return [
    move.shard,
    move.fromGid,
    move.gid,
    move.configNum,
    move.phase,
    move.keysDone,
    mib(move.bytesDone),
    percent ?? "-",
    mib(move.bytesPerSecond),
    etaSeconds ?? "-",
    (move.elapsedMs / 1_000).toFixed(1),
  ];
}

/** Undefined where nothing can be said yet. A shard that shrinks meanwhile is complete at 100 too. */
function estimate(move: Move): { percent?: number; etaSeconds?: number } {
  const { bytesDone, bytesTotal, bytesPerSecond, phase } = move;
  if (phase !== "Copying") return phase === "Waiting" ? {} : { percent: 100 };
  const left = Math.max(0, bytesTotal - bytesDone);
  const percent = bytesTotal === 0 ? 100 : Math.floor(Math.min(1, bytesDone / bytesTotal) * 100);
  if (bytesPerSecond === 0) return { percent };
  return { percent, etaSeconds: Math.ceil(left / bytesPerSecond) };
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}

function groups(gids: readonly number[]): string {
  return gids.map((gid) => `group ${gid}`).join(", ");
}

function row(cells: readonly (string | number)[]): string {
  return paddedRow(cells, WIDTHS).trimEnd();
}
