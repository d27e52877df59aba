/** The samples of the last minutes, so that a page which was just opened has charts. */
import type { ClusterState, History, Instant, NodeFigures, NodeView, Series } from "../api.ts";
import { nodeKey } from "./delta.ts";

/** At the default interval of 5 s a quarter of an hour: some 200 kB of JSON for 27 servers. */
const SAMPLES_MAX = 180;

type Figure = Exclude<keyof Series, "gid" | "id">;

const FIGURES: readonly Figure[] = [
  "readsPerSecond",
  "writesPerSecond",
  "writeP99Ms",
  "readP99Ms",
  "fsyncP99Ms",
  "applyLag",
  "memoryBytes",
];

interface Sample {
  readonly at: Instant;
  readonly figures: ReadonlyMap<string, NodeFigures | null>;
}

/** Keeps the newest samples only. */
export class SampleHistory {
  readonly #samplesMax: number;
  #samples: Sample[] = [];
  /** The servers of the newest sample: those that are gone have no series. */
  #nodes: readonly NodeView[] = [];

  constructor(samplesMax: number = SAMPLES_MAX) {
    this.#samplesMax = samplesMax;
  }

  add({ updatedAt, nodes }: ClusterState): void {
    this.#nodes = nodes;
    const figures = new Map(nodes.map((node) => [nodeKey(node), node.figures]));
    this.#samples = [...this.#samples, { at: updatedAt, figures }].slice(-this.#samplesMax);
  }

  get view(): History {
    return {
      times: this.#samples.map(({ at }) => at),
      series: this.#nodes.map((node) => this.#seriesOf(node)),
    };
  }

  #seriesOf(node: NodeView): Series {
    const key = nodeKey(node);
    const column = (figure: Figure) =>
      this.#samples.map(({ figures }) => figures.get(key)?.[figure] ?? null);
    const columns = Object.fromEntries(FIGURES.map((figure) => [figure, column(figure)]));
    return { gid: node.gid, id: node.id, ...columns as Record<Figure, (number | null)[]> };
  }
}
