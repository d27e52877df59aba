/** Shards on their way from one group to another, and those that have arrived. */
import type { MoveView } from "../../api.ts";
import { compareMoves, moveKey } from "../cluster_store.ts";
import { moveProgress } from "../move_progress.ts";
import { cluster, format, messages } from "../page_state.ts";
import { nameGroup } from "../problems.ts";
import { Fact, Facts } from "../parts/facts.tsx";
import { GroupMark } from "../parts/group_mark.tsx";
import { Icon } from "../parts/icon.tsx";
import { TableFrame } from "../parts/table_frame.tsx";

export function MigrationsPage() {
  const words = messages.value.migrations;
  const moves = cluster.moves.all().sort(compareMoves);
  const underWay = moves.filter((move) => move.finishedAt === null);
  const done = moves.filter((move) => move.finishedAt !== null);
  return (
    <>
      <section>
        <h2>{words.underWay}</h2>
        <p class="muted">
          {underWay.length === 0 ? words.noneUnderWay : words.summary(underWay.length)}
        </p>
        <ul class="moves">{underWay.map((move) => <Move key={moveKey(move)} move={move} />)}</ul>
      </section>
      <section class="panel">
        <h2>{words.history}</h2>
        {done.length === 0 ? <p class="muted">{words.noHistory}</p> : <Done moves={done} />}
      </section>
    </>
  );
}

function Way({ move }: { readonly move: MoveView }) {
  const words = messages.value;
  const name = (gid: number) => gid === 0 ? words.migrations.nowhere : nameGroup(gid, words);
  return (
    <span class="way">
      <span class="visually-hidden">
        {words.migrations.fromTo(name(move.fromGid), name(move.toGid))}
      </span>
      <span aria-hidden="true">
        <GroupMark gid={move.fromGid} />
        {name(move.fromGid)}
        <Icon name="arrow" />
        <GroupMark gid={move.toGid} />
        {name(move.toGid)}
      </span>
    </span>
  );
}

function Move({ move }: { readonly move: MoveView }) {
  const words = messages.value;
  const { migrations } = words;
  const shown = format.value;
  const share = moveProgress(move);
  const amount = (done: string, total: string | null) =>
    total === null ? migrations.progressUnknown(done) : migrations.progressOf(done, total);
  const label = `${migrations.progress}: ${words.names.shard(move.shardId)}`;
  return (
    <li class="panel move">
      <div class="section-head">
        <h3>{words.names.shard(move.shardId)}</h3>
        <span class="badge">{migrations.phases[move.phase]}</span>
      </div>
      <Way move={move} />
      <p class="muted">{migrations.phaseMeanings[move.phase]}</p>
      <div class="progress-line">
        {share === null
          ? <progress aria-label={label} />
          : <progress aria-label={label} max={1} value={share} />}
        <span class="progress-text">{shown.percent(share)}</span>
      </div>
      <Facts>
        <Fact name={migrations.keys}>
          {amount(
            shown.count(move.keysDone),
            move.keysTotal === null ? null : shown.count(move.keysTotal),
          )}
        </Fact>
        <Fact name={migrations.bytes}>
          {amount(
            shown.bytes(move.bytesDone),
            move.bytesTotal === null ? null : shown.bytes(move.bytesTotal),
          )}
        </Fact>
        <Fact name={migrations.rate}>{shown.bytes(move.bytesPerSecond)}/s</Fact>
        <Fact name={migrations.timeLeft}>{shown.duration(move.etaMs)}</Fact>
        <Fact name={migrations.config}>#{move.configNum}</Fact>
      </Facts>
    </li>
  );
}

function Done({ moves }: { readonly moves: readonly MoveView[] }) {
  const words = messages.value;
  const { migrations } = words;
  const shown = format.value;
  return (
    <TableFrame label={migrations.history}>
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">{migrations.shard}</th>
            <th scope="col">{migrations.way}</th>
            <th scope="col" class="number">{migrations.keys}</th>
            <th scope="col" class="number">{migrations.bytes}</th>
            <th scope="col" class="number">{migrations.took}</th>
            <th scope="col" class="number">{migrations.finished}</th>
            <th scope="col" class="number">{migrations.config}</th>
          </tr>
        </thead>
        <tbody>
          {moves.map((move) => (
            <tr key={moveKey(move)}>
              <th scope="row" class="number">{move.shardId}</th>
              <td>
                <Way move={move} />
              </td>
              <td class="number">{shown.count(move.keysDone)}</td>
              <td class="number">{shown.bytes(move.bytesDone)}</td>
              <td class="number">
                {shown.duration((move.finishedAt ?? move.startedAt) - move.startedAt)}
              </td>
              <td class="number">{shown.dateTime(move.finishedAt)}</td>
              <td class="number">#{move.configNum}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
