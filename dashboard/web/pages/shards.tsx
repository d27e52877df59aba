/** All shards: where the keys and the load are, who serves what, and one shard up close. */
import { computed } from "@preact/signals";
import { openAction } from "../actions/action_draft.ts";
import { mayAct } from "../actions/access.ts";
import { HEAT_METRICS, type HeatMetric, heatValue } from "../heat.ts";
import { cluster, format, messages, route, setParams } from "../page_state.ts";
import { nameGroup } from "../problems.ts";
import { showFigure } from "../shard_figure.ts";
import { StateBadge } from "../parts/badges.tsx";
import { Choice } from "../parts/choice.tsx";
import { Fact, Facts } from "../parts/facts.tsx";
import { GroupMark } from "../parts/group_mark.tsx";
import { HeatLegend, HeatMap } from "../parts/heat_map.tsx";
import { ShardTable } from "../parts/shard_table.tsx";

const metric = computed<HeatMetric>(() =>
  HEAT_METRICS.find((candidate) => candidate === route.value.params.metric) ?? "keys"
);

/** Null if none is selected. */
const selected = computed(() => {
  const text = route.value.params.shard;
  const id = text === undefined ? NaN : Number(text);
  return cluster.shards.keys.value.includes(id) ? id : null;
});

export function ShardsPage() {
  const words = messages.value.shards;
  return (
    <>
      <section class="panel">
        <div class="section-head">
          <h2>{words.map}</h2>
          <Choice
            name="metric"
            label={words.colourBy}
            value={metric.value}
            options={HEAT_METRICS.map((value) => ({ value, text: words.metrics[value] }))}
            onChoose={(value) => setParams({ metric: value })}
          />
        </div>
        <MapSummary />
        <HeatMap metric={metric} selected={selected} onSelect={select} />
        <HeatLegend metric={metric} />
        <p class="hint">{words.mapHint}</p>
      </section>
      <Selected />
      <ShardTable selected={selected} onSelect={select} />
    </>
  );
}

function select(shardId: number | null): void {
  setParams({ shard: shardId === null ? "" : String(shardId) });
}

function MapSummary() {
  const words = messages.value.shards;
  const by = metric.value;
  let [total, most, shardId] = [0, 0, 0];
  for (const shard of cluster.shards.all()) {
    const value = heatValue(shard, by);
    total += value;
    if (value > most) [most, shardId] = [value, shard.shardId];
  }
  const name = words.metrics[by];
  return (
    <p class="muted">
      {total === 0
        ? words.summaryEmpty(name)
        : words.summary(name, shardId, showFigure(most, by), showFigure(total, by))}
    </p>
  );
}

function Selected() {
  const words = messages.value;
  const id = selected.value;
  const shard = id === null ? undefined : cluster.shards.get(id)?.value;
  if (shard === undefined) return null;
  const groupKeys = cluster.groups.get(shard.groupId)?.value.keys ?? 0;
  return (
    <section class="panel selected-shard" aria-label={words.shards.details}>
      <div class="section-head">
        <h2>{words.names.shard(shard.shardId)}</h2>
        <StateBadge state={shard.state} />
        <button type="button" class="quiet" onClick={() => select(null)}>
          {words.shards.close}
        </button>
      </div>
      <p>{words.stateMeanings[shard.state]}</p>
      <Facts>
        <Fact name={words.shards.columns.group}>
          <GroupMark gid={shard.groupId} />
          {nameGroup(shard.groupId, words)}
        </Fact>
        <Fact name={words.shards.columns.keys}>{format.value.count(shard.keys)}</Fact>
        <Fact name={words.shards.columns.bytes}>{format.value.bytes(shard.bytes)}</Fact>
        <Fact name={words.shards.columns.ops}>{format.value.rate(shard.opsPerSecond)}</Fact>
        <Fact name={words.shards.share}>
          {format.value.percent(groupKeys === 0 ? null : shard.keys / groupKeys)}
        </Fact>
      </Facts>
      {mayAct.value && (
        <button
          type="button"
          onClick={() => openAction({ kind: "moveShard", shardId: shard.shardId })}
        >
          {words.actions.moveShard}…
        </button>
      )}
    </section>
  );
}
