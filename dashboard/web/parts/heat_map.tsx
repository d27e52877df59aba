/**
 * All shards as cells, a lane for each group. Each cell follows its own shard, and touches the
 * document only when its step or its state changes: a thousand of them cost little.
 */
import { computed, type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ShardView } from "../../api.ts";
import { HEAT_STEPS, type HeatMetric, heatStep, heatValue, niceCeiling } from "../heat.ts";
import { clock, cluster, messages } from "../page_state.ts";
import { nameGroup } from "../problems.ts";
import { showFigure } from "../shard_figure.ts";
import { STATE_SIGNS } from "./badges.tsx";
import { GroupMark } from "./group_mark.tsx";
import { cellInDirection, directionOf } from "./heat_keys.ts";

export interface HeatMapProps {
  readonly metric: ReadonlySignal<HeatMetric>;
  readonly selected: ReadonlySignal<number | null>;
  readonly onSelect: (shardId: number) => void;
}

/** One text, so that lanes are laid out anew only when a shard changes hands. */
const assignment = computed(() => cluster.shards.all().map((shard) => shard.groupId).join(" "));

/** Groups in order, each with its shards. */
const lanes = computed(() => {
  const byGroup = new Map<number, number[]>();
  const ids = cluster.shards.keys.value;
  assignment.value.split(" ").forEach((gid, at) => {
    const id = ids[at];
    if (id === undefined) return;
    const lane = byGroup.get(Number(gid));
    if (lane === undefined) byGroup.set(Number(gid), [id]);
    else lane.push(id);
  });
  return [...byGroup].sort(([a], [b]) => a - b);
});

function ceilingOf(metric: HeatMetric): number {
  const most = cluster.shards.all().reduce(
    (max, shard) => Math.max(max, heatValue(shard, metric)),
    0,
  );
  return niceCeiling(most);
}

/** More at once would hold up the page while they are made. */
const CELLS_PER_FRAME = 192;
const FRAME_MS = 16;

/** How many cells are there by now: a few at first, then more with every frame. */
function useGrowing(total: number): number {
  const made = useSignal(CELLS_PER_FRAME);
  const { value } = made;
  useEffect(() => {
    if (value >= total) return;
    const timer = clock.setTimer(() => made.value += CELLS_PER_FRAME, FRAME_MS);
    return () => timer.cancel();
  }, [value, total]);
  return value;
}

export function HeatMap({ metric, selected, onSelect }: HeatMapProps) {
  const ceiling = useComputed(() => ceilingOf(metric.value));
  // The one cell that Tab reaches; arrow keys move it.
  const active = useSignal<number | null>(null);
  const reachable = useComputed(() =>
    active.value ?? selected.value ?? cluster.shards.keys.value[0] ?? null
  );
  const words = messages.value;
  let left = useGrowing(cluster.shards.keys.value.length);
  const take = (ids: readonly number[]) => {
    const taken = ids.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = directionOf(event.key);
    if (direction === undefined || !(event.target instanceof HTMLElement)) return;
    const next = cellInDirection(event.target, direction);
    if (next === undefined) return;
    event.preventDefault();
    active.value = Number(next.dataset.shard);
    next.focus();
  };
  return (
    <div class="heat-map" role="listbox" aria-label={words.shards.mapLabel} onKeyDown={onKeyDown}>
      {lanes.value.map(([gid, ids]) => (
        <div class="lane" role="group" aria-label={nameGroup(gid, words)} key={gid}>
          <div class="lane-name" role="presentation">
            <GroupMark gid={gid} />
            {nameGroup(gid, words)}
            <span class="muted">{words.topology.shards(ids.length)}</span>
          </div>
          <div class="cells" role="presentation">
            {take(ids).map((id) => (
              <Cell
                key={id}
                id={id}
                metric={metric}
                ceiling={ceiling}
                selected={selected}
                reachable={reachable}
                onSelect={onSelect}
              />
            ))}
          </div>
        </div>
      ))}
    </div>
  );
}

interface CellProps extends HeatMapProps {
  readonly id: number;
  readonly ceiling: ReadonlySignal<number>;
  readonly reachable: ReadonlySignal<number | null>;
}

function Cell({ id, metric, ceiling, selected, reachable, onSelect }: CellProps) {
  const shard = cluster.shards.get(id);
  const look = useComputed(() => {
    if (shard === undefined) return "cell";
    const step = heatStep(heatValue(shard.value, metric.value), ceiling.value);
    return `cell heat-${step} ${markOf(shard.value)}`;
  });
  const label = useComputed(() => {
    if (shard === undefined) return "";
    const words = messages.value;
    return `${words.names.shard(id)}, ${words.states[shard.value.state]}`;
  });
  const text = useComputed(() =>
    `${shard === undefined ? "" : STATE_SIGNS[shard.value.state]}${id}`
  );
  const isSelected = useComputed(() => selected.value === id ? "true" : "false");
  const tabIndex = useComputed(() => reachable.value === id ? 0 : -1);
  return (
    <button
      type="button"
      role="option"
      class={look}
      data-shard={id}
      aria-label={label}
      aria-selected={isSelected}
      tabIndex={tabIndex}
      onClick={() => onSelect(id)}
    >
      {text}
    </button>
  );
}

/** States other than serving have a pattern of their own. */
function markOf({ state }: ShardView): string {
  return state === "Serving" ? "" : `marked mark-${state.toLowerCase()}`;
}

/** What the colours and the signs stand for. */
export function HeatLegend({ metric }: Pick<HeatMapProps, "metric">) {
  const words = messages.value;
  const by = metric.value;
  const ceiling = ceilingOf(by);
  const states = Object.entries(STATE_SIGNS).filter(([, sign]) => sign !== "");
  return (
    <div class="heat-legend">
      <p>
        <span class="legend-name">{words.shards.legend}</span>
        <span>{words.shards.legendNone}</span>
        {Array.from(
          { length: HEAT_STEPS + 1 },
          (_, step) => <span key={step} class={`swatch heat-${step}`} aria-hidden="true" />,
        )}
        <span>{showFigure(ceiling, by)}</span>
      </p>
      <p>
        <span class="legend-name">{words.shards.marks}</span>
        {states.map(([state, sign]) => (
          <span key={state} class="legend-state">
            <span class={`swatch heat-0 marked mark-${state.toLowerCase()}`} aria-hidden="true">
              {sign}
            </span>
            {Object.entries(words.states).find(([name]) => name === state)?.[1]}
          </span>
        ))}
      </p>
    </div>
  );
}
