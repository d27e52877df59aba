/** All shards as a table: sorted, filtered, a page at a time. */
import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { cluster, format, messages, route, setParams } from "../page_state.ts";
import { nameGroup } from "../problems.ts";
import {
  nextSort,
  parseSort,
  queryShards,
  SHARD_COLUMNS,
  type ShardColumn,
  type ShardQuery,
} from "../shard_rows.ts";
import { STATE_SIGNS, StateBadge } from "./badges.tsx";
import { GroupMark } from "./group_mark.tsx";
import { Icon } from "./icon.tsx";
import { Select } from "./select.tsx";
import { TableFrame } from "./table_frame.tsx";

export interface ShardTableProps {
  readonly selected: ReadonlySignal<number | null>;
  readonly onSelect: (shardId: number) => void;
}

const ROWS_PER_PAGE = 32;
/** Rows that change places every second cannot be read. */
const RESORT_MS = 5000;

const query = computed<ShardQuery>(() => {
  const { group, state, sort = "" } = route.value.params;
  return { ...parseSort(sort), gid: group === undefined ? undefined : Number(group), state };
});

/** The time of the order shown. */
const sortedAt = signal(0);
const order = computed(() => {
  sortedAt.value;
  const shards = cluster.shards.keys.value.flatMap((id) => cluster.shards.get(id)?.peek() ?? []);
  return queryShards(shards, query.value);
});
cluster.updatedAt.subscribe((at) => {
  if (at - sortedAt.peek() >= RESORT_MS) sortedAt.value = at;
});

export function ShardTable({ selected, onSelect }: ShardTableProps) {
  const words = messages.value.shards;
  const ids = order.value;
  const pages = Math.max(1, Math.ceil(ids.length / ROWS_PER_PAGE));
  const wanted = Number(route.value.params.page ?? 1);
  const page = Math.min(pages, Math.max(1, Number.isInteger(wanted) ? wanted : 1));
  const from = (page - 1) * ROWS_PER_PAGE;
  const rows = ids.slice(from, from + ROWS_PER_PAGE);
  return (
    <section class="panel">
      <div class="section-head">
        <h2>{words.table}</h2>
        <Filters />
      </div>
      <TableFrame label={words.table}>
        <table class="shard-table">
          <thead>
            <tr>{SHARD_COLUMNS.map((column) => <ColumnHead key={column} column={column} />)}</tr>
          </thead>
          <tbody>
            {rows.map((id) => <Row key={id} id={id} selected={selected} onSelect={onSelect} />)}
          </tbody>
        </table>
      </TableFrame>
      {rows.length === 0 ? <p>{words.noneFits}</p> : (
        <div class="pager">
          <button
            type="button"
            disabled={page === 1}
            onClick={() => setParams({ page: String(page - 1) })}
          >
            {words.previous}
          </button>
          <span>{words.shown(from + 1, from + rows.length, ids.length)}</span>
          <button
            type="button"
            disabled={page === pages}
            onClick={() => setParams({ page: String(page + 1) })}
          >
            {words.next}
          </button>
        </div>
      )}
    </section>
  );
}

function Filters() {
  const words = messages.value;
  const { gid, state } = query.value;
  const all = { value: "", text: words.shards.all };
  const groups = cluster.groups.keys.value.map((group) => ({
    value: String(group),
    text: nameGroup(group, words),
  }));
  const states = Object.keys(STATE_SIGNS).map((name) => ({
    value: name,
    text: Object.entries(words.states).find(([key]) => key === name)?.[1] ?? name,
  }));
  return (
    <div class="filters">
      <Select
        label={words.shards.filterGroup}
        value={gid === undefined ? "" : String(gid)}
        options={[all, ...groups]}
        onChoose={(group) => setParams({ group, page: "" })}
      />
      <Select
        label={words.shards.filterState}
        value={state ?? ""}
        options={[all, ...states]}
        onChoose={(value) => setParams({ state: value, page: "" })}
      />
    </div>
  );
}

function ColumnHead({ column }: { readonly column: ShardColumn }) {
  const current = query.value;
  const sorts = current.column === column;
  const isNumber = column !== "group" && column !== "state";
  return (
    <th
      scope="col"
      class={isNumber ? "number" : ""}
      aria-sort={sorts ? current.descending ? "descending" : "ascending" : undefined}
    >
      <button
        type="button"
        class="sort"
        onClick={() => setParams({ sort: nextSort(current, column), page: "" })}
      >
        {messages.value.shards.columns[column]}
        {sorts && <Icon name={current.descending ? "down" : "up"} />}
      </button>
    </th>
  );
}

interface RowProps extends ShardTableProps {
  readonly id: number;
}

function Row({ id, selected, onSelect }: RowProps) {
  const shard = cluster.shards.get(id)?.value;
  if (shard === undefined) return null;
  const words = messages.value;
  const shown = format.value;
  return (
    <tr class={selected.value === id ? "selected" : ""}>
      <th scope="row" class="number">
        <button
          type="button"
          class="link"
          aria-label={words.names.shard(id)}
          onClick={() => onSelect(id)}
        >
          {id}
        </button>
      </th>
      <td>
        <GroupMark gid={shard.groupId} />
        {nameGroup(shard.groupId, words)}
      </td>
      <td>
        <StateBadge state={shard.state} />
      </td>
      <td class="number">{shown.count(shard.keys)}</td>
      <td class="number">{shown.bytes(shard.bytes)}</td>
      <td class="number">{shown.rate(shard.opsPerSecond)}</td>
    </tr>
  );
}
