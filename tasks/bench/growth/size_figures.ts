/** What a number of keys costs, and the costs of several numbers side by side. Pure. */
import { withCommas } from "../comparison_table.ts";
import type { Cost } from "./cost.ts";

/** How long shards took to change places. */
export interface MoveFigures {
  readonly shards: number;
  readonly ms: number;
}

/** Against one number of keys, all of them in one group of three. */
export interface SizeFigures {
  readonly keys: number;
  readonly loadMs: number;
  /** By all servers while the keys were loaded. */
  readonly writtenBytes: number;
  /** Mean of the group's replicas, before there was a key. */
  readonly emptyResidentBytes: number;
  /** Mean of the group's replicas, with the keys. */
  readonly residentBytes: number;
  /** Mean of the group's replicas. */
  readonly storageBytes: number;
  /** Of a replica that was killed: from its start until it listens. */
  readonly listenMs: number;
  /** From its start until it has applied all that the others have. */
  readonly caughtUpMs: number;
  /** Half of the shards go to a group that joins. */
  readonly join: MoveFigures;
  /** They come back from it when it leaves. */
  readonly leave: MoveFigures;
  /** Of a member that begins with nothing: from its start until it lacks nothing. */
  readonly newMemberMs: number;
}

/** Pages, arenas and heaps come in lumps. */
const MEMORY_SLACK_BYTES = 64 << 20;
/** Shards move, and members catch up, by polls and elections of this order. */
const TIME_SLACK_MS = 1_000;
/** A process that starts beside a dozen others is late by chance. */
const RESTART_SLACK_MS = 500;
/** Files are never smaller than a page, and a log is cut now and then only. */
const STORAGE_SLACK_BYTES = 16 << 20;

/** A cost, and where it is found in the figures. */
interface MeasuredCost extends Omit<Cost, "values"> {
  readonly value: (figures: SizeFigures) => number;
}

const SPACE_COSTS: readonly MeasuredCost[] = [
  {
    name: "written to disk, MiB",
    law: "linear",
    value: ({ writtenBytes }) => writtenBytes,
    slack: STORAGE_SLACK_BYTES,
    show: mebibytes,
  },
  {
    name: "memory of a replica, MiB",
    law: "linear",
    value: ({ residentBytes }) => residentBytes,
    slack: MEMORY_SLACK_BYTES,
    show: mebibytes,
  },
  {
    name: "storage of a replica, MiB",
    law: "linear",
    value: ({ storageBytes }) => storageBytes,
    slack: STORAGE_SLACK_BYTES,
    show: mebibytes,
  },
];

const TRANSFER = { law: "linear", slack: TIME_SLACK_MS, show: seconds } as const;
const RESTART = { law: "constant", slack: RESTART_SLACK_MS, show: seconds } as const;

const TIME_COSTS: readonly MeasuredCost[] = [
  { ...TRANSFER, name: "load, s", value: ({ loadMs }) => loadMs },
  { ...RESTART, name: "restart until it listens, s", value: ({ listenMs }) => listenMs },
  { ...RESTART, name: "restart until it has caught up, s", value: ({ caughtUpMs }) => caughtUpMs },
  { ...TRANSFER, name: "a group joins, s", value: ({ join }) => join.ms },
  { ...TRANSFER, name: "a group leaves, s", value: ({ leave }) => leave.ms },
  { ...TRANSFER, name: "a new member has everything, s", value: ({ newMemberMs }) => newMemberMs },
];

/** @param figures One for each number of keys, the lowest first */
export function costsOf(figures: readonly SizeFigures[]): Cost[] {
  return [...SPACE_COSTS, ...TIME_COSTS]
    .map(({ value, ...cost }) => ({ ...cost, values: figures.map(value) }));
}

/** What a key costs: totals divided, for the reader; they are judged as totals. */
export function sharesOf(figures: readonly SizeFigures[], valueBytes: number): string[][] {
  const each = (show: (one: SizeFigures) => string) => figures.map(show);
  return [
    [
      "written to disk by all servers, bytes per byte of value",
      ...each(({ writtenBytes, keys }) => (writtenBytes / (keys * valueBytes)).toFixed(1)),
    ],
    [
      "memory of a replica over an empty one, bytes per key",
      ...each(({ residentBytes, emptyResidentBytes, keys }) =>
        withCommas((residentBytes - emptyResidentBytes) / keys)
      ),
    ],
    [
      "storage of a replica, bytes per key",
      ...each(({ storageBytes, keys }) => withCommas(storageBytes / keys)),
    ],
    [
      "shards moved by join, by leave",
      ...each(({ join, leave }) => `${join.shards}, ${leave.shards}`),
    ],
  ];
}

function mebibytes(bytes: number): string {
  return withCommas(bytes / (1 << 20));
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
