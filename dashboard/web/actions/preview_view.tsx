/** What an action would do, before it is done. */
import type { Action, ActionPreview } from "../../api.ts";
import { failureText } from "../failure_text.ts";
import { messages } from "../page_state.ts";
import { nameGroup } from "../problems.ts";
import type { RequestState } from "../request_signal.ts";
import { Command } from "../parts/command.tsx";
import { Icon } from "../parts/icon.tsx";
import { summarizeMoves } from "./planned_moves.ts";

export interface PreviewViewProps {
  readonly action: Action | null;
  readonly state: RequestState<ActionPreview>;
}

export function PreviewView({ action, state }: PreviewViewProps) {
  const words = messages.value.actions;
  return (
    <section class="preview" aria-live="polite">
      <h3>{words.preview}</h3>
      {action === null
        ? <p class="muted">{words.incomplete}</p>
        : state.kind === "done"
        ? <Known preview={state.value} action={action} />
        : state.kind === "failed"
        ? <p class="failure">{failureText(state.error, messages.value)}</p>
        : <p class="muted">{words.checking}…</p>}
    </section>
  );
}

function Known({ preview, action }: {
  readonly preview: ActionPreview;
  readonly action: Action;
}) {
  const words = messages.value;
  return (
    <>
      {preview.refusal !== null && (
        <p class="failure">
          <Icon name="critical" />
          {words.actions.refused}: {preview.refusal}
        </p>
      )}
      {preview.refusal === null && action.kind !== "transferLeader" && (
        <PlannedMoves moves={preview.moves} />
      )}
      <p class="hint">{words.actions.command}</p>
      <Command text={preview.command} />
    </>
  );
}

function PlannedMoves({ moves }: Pick<ActionPreview, "moves">) {
  const words = messages.value;
  if (moves.length === 0) return <p>{words.actions.noMoves}</p>;
  return (
    <>
      <p>{words.actions.moves(moves.length)}</p>
      <ul class="planned-moves">
        {summarizeMoves(moves).map(({ fromGid, toGid, shards }) => (
          <li key={`${fromGid}-${toGid}`}>
            {words.migrations.fromTo(nameGroup(fromGid, words), nameGroup(toGid, words))}
            {": "}
            <span class="shard-list">{shards}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
