/** Where the bars of a history stand: columns by the order of events, rows by client. */
import type { CheckResult } from "./checker.ts";
import type { Operation } from "./history.ts";

/** How an operation came out of the check. */
export type BarState = "placed" | "stuck" | "open";

export interface Bar {
  /** Index in the result's operations. */
  readonly index: number;
  /** First and last column; the last one is the picture's end if it never returned. */
  readonly from: number;
  readonly to: number;
  readonly state: BarState;
  /** Position in the order that was found, from 1; undefined if it has none. */
  readonly position: number | undefined;
}

export interface Lane {
  readonly client: number;
  /** Calls of one client that overlap stand in rows of their own. */
  readonly rows: readonly (readonly Bar[])[];
}

export interface Layout {
  readonly lanes: readonly Lane[];
  readonly columns: number;
  /** Milliseconds shown at some columns. */
  readonly ticks: readonly { readonly column: number; readonly ms: number }[];
  /** Operations left out for the sake of size. */
  readonly omitted: number;
}

/** Columns between two ticks: about three columns for a number's width. */
const TICK_STRIDE = 8;

/** Lays out at most `barsMax` operations, those nearest to where the order ended. */
export function layOut<I, O>(result: CheckResult<I, O>, barsMax: number): Layout {
  const shown = chooseShown(result, barsMax);
  const operations = shown.map((index) => result.operations[index] as Operation<I, O>);
  const events = operations.flatMap((o) =>
    o.outcome.kind === "ok" ? [o.invoke, o.return] : [o.invoke]
  );
  const distinct = [...new Set(events)].toSorted((a, b) => a - b);
  const columnOf = new Map(distinct.map((event, column) => [event, column]));
  const columns = distinct.length + 1;
  const positions = new Map(result.order.map((index, i) => [index, i + 1]));
  const bars = operations.map((operation, i): Bar & { client: number } => {
    const index = shown[i] as number;
    const position = positions.get(index);
    const ended = operation.outcome.kind === "ok" ? columnOf.get(operation.return) : undefined;
    const state = position !== undefined ? "placed" : index === result.stuck ? "stuck" : "open";
    const from = columnOf.get(operation.invoke) ?? 0;
    return { index, from, to: ended ?? columns, state, position, client: operation.client };
  });
  const byClient = [...Map.groupBy(bars, ({ client }) => client)].toSorted(([a], [b]) => a - b);
  return {
    lanes: byClient.map(([client, own]) => ({ client, rows: rowsOf(own) })),
    columns,
    ticks: ticksOf(operations, columnOf),
    omitted: result.operations.length - shown.length,
  };
}

function chooseShown<I, O>(result: CheckResult<I, O>, barsMax: number): number[] {
  const all = result.operations.map((_, index) => index);
  if (all.length <= barsMax) return all;
  const center = result.stuck ?? result.order.at(-1) ?? 0;
  const first = Math.max(0, Math.min(center - Math.floor(barsMax / 2), all.length - barsMax));
  return all.slice(first, first + barsMax);
}

function rowsOf(bars: readonly Bar[]): Bar[][] {
  const rows: Bar[][] = [];
  for (const bar of bars) {
    const free = rows.find((row) => (row.at(-1) as Bar).to < bar.from);
    if (free === undefined) rows.push([bar]);
    else free.push(bar);
  }
  return rows;
}

function ticksOf<I, O>(
  operations: readonly Operation<I, O>[],
  columnOf: ReadonlyMap<number, number>,
): Layout["ticks"] {
  const ticks = new Map<number, number>();
  for (const { invoke, times } of operations) {
    const column = columnOf.get(invoke) ?? 0;
    const slot = Math.floor(column / TICK_STRIDE);
    if (times !== undefined && !ticks.has(slot)) ticks.set(slot, column);
  }
  const msOf = new Map(
    operations.map(({ invoke, times }) => [columnOf.get(invoke), times?.invokeMs]),
  );
  return [...ticks.values()].map((column) => ({ column, ms: Math.round(msOf.get(column) ?? 0) }));
}
