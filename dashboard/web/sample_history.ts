/** The figures of all nodes over the last minutes: what the server kept, then what came live. */
import type { History, Instant, NodeView, Series } from "../api.ts";
import { nodeKey } from "./cluster_store.ts";

/** A quarter of an hour at one sample a second; more than a chart has pixels for. */
const SAMPLES_MAX = 900;

export const METRICS = [
  "readsPerSecond",
  "writesPerSecond",
  "writeP99Ms",
  "readP99Ms",
  "fsyncP99Ms",
  "applyLag",
  "memoryBytes",
] as const satisfies readonly (keyof Series)[];

export type Metric = typeof METRICS[number];

type Column = (number | null)[];
type Columns = Record<Metric, Column>;

export class SampleHistory {
  readonly #max: number;
  #times: Instant[] = [];
  #nodes = new Map<string, Columns>();

  /** @param max Samples kept; the oldest go first */
  constructor(max = SAMPLES_MAX) {
    this.#max = max;
  }

  /** Oldest first. */
  get times(): readonly Instant[] {
    return this.#times;
  }

  /** One value per time; undefined for a node that never had any. */
  column(node: string, metric: Metric): readonly (number | null)[] | undefined {
    return this.#nodes.get(node)?.[metric];
  }

  /** The sum over nodes at each time; null where no node had a value. */
  sum(nodes: readonly string[], metric: Metric): (number | null)[] {
    const columns = nodes.map((node) => this.column(node, metric));
    return this.#times.map((_, at) =>
      columns.reduce<number | null>((total, column) => {
        const value = column?.[at] ?? null;
        return value === null ? total : (total ?? 0) + value;
      }, null)
    );
  }

  /** Takes what the server kept; what came live since then stays. */
  load(history: History): void {
    const last = history.times.at(-1) ?? -Infinity;
    const live = this.#tail(last);
    this.#times = [...history.times];
    this.#nodes = new Map(
      history.series.map((series) => [
        nodeKey(series),
        mapMetrics((metric) => pad([...series[metric]], history.times.length)),
      ]),
    );
    for (const { time, values } of live) this.#push(time, values);
    this.#bound();
  }

  /** Adds the figures that the nodes have now. A time that is not later is passed over. */
  append(time: Instant, nodes: readonly NodeView[]): void {
    if (time <= (this.#times.at(-1) ?? -Infinity)) return;
    const values = nodes.map((node): [string, Record<Metric, number | null>] => {
      const figures = node.healthy ? node.figures : null;
      return [nodeKey(node), mapMetrics((metric) => figures?.[metric] ?? null)];
    });
    this.#push(time, new Map(values));
    this.#bound();
  }

  #push(time: Instant, values: ReadonlyMap<string, Record<Metric, number | null>>): void {
    for (const node of values.keys()) {
      if (this.#nodes.has(node)) continue;
      this.#nodes.set(node, mapMetrics(() => this.#times.map(() => null)));
    }
    this.#times.push(time);
    for (const [node, columns] of this.#nodes) {
      const sample = values.get(node);
      for (const metric of METRICS) columns[metric].push(sample?.[metric] ?? null);
    }
  }

  #tail(after: Instant) {
    const first = this.#times.findIndex((time) => time > after);
    if (first < 0) return [];
    return this.#times.slice(first).map((time, index) => ({
      time,
      values: new Map([...this.#nodes].map(([node, columns]) => [
        node,
        mapMetrics((metric) => columns[metric][first + index] ?? null),
      ])),
    }));
  }

  #bound(): void {
    const extra = this.#times.length - this.#max;
    if (extra <= 0) return;
    this.#times.splice(0, extra);
    for (const [node, columns] of this.#nodes) {
      for (const metric of METRICS) columns[metric].splice(0, extra);
      // A node that has been gone for the whole time is forgotten.
      if (METRICS.every((metric) => columns[metric].every((value) => value === null))) {
        this.#nodes.delete(node);
      }
    }
  }
}

function mapMetrics<T>(value: (metric: Metric) => T): Record<Metric, T> {
  return {
    readsPerSecond: value("readsPerSecond"),
    writesPerSecond: value("writesPerSecond"),
    writeP99Ms: value("writeP99Ms"),
    readP99Ms: value("readP99Ms"),
    fsyncP99Ms: value("fsyncP99Ms"),
    applyLag: value("applyLag"),
    memoryBytes: value("memoryBytes"),
  };
}

function pad(column: Column, length: number): Column {
  return Array.from({ length }, (_, at) => column[at] ?? null);
}
