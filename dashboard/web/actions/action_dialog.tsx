/** One dialog for every action: fill in, see what would happen, confirm, see what did. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Action, ActionPreview, ActionResult } from "../../api.ts";
import { failureText } from "../failure_text.ts";
import { api, clock, messages } from "../page_state.ts";
import { nameNode } from "../problems.ts";
import { RequestSignal } from "../request_signal.ts";
import { Command } from "../parts/command.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { adminToken } from "./access.ts";
import { type ActionStart, NO_FIELDS, openedAction, toAction } from "./action_draft.ts";
import { ActionFieldset } from "./action_fields.tsx";
import { PreviewView } from "./preview_view.tsx";

/** The server is not asked at every key stroke. */
const TYPING_MS = 300;

export function ActionDialog() {
  const start = openedAction.value;
  if (start === null) return null;
  return (
    <Dialog title={titleOf(start)} onClose={() => openedAction.value = null}>
      <ActionForm start={start} />
    </Dialog>
  );
}

function titleOf(start: ActionStart): string {
  const words = messages.value;
  switch (start.kind) {
    case "moveShard":
      return `${words.actions.moveShard} ${start.shardId}`;
    case "transferLeader":
      return `${words.actions.transferLeader}: ${nameNode(start.gid, start.nodeId, words)}`;
    case "addGroup":
      return words.actions.addGroup;
    case "removeGroup":
      return `${words.actions.removeGroup} ${start.gid}`;
  }
}

function ActionForm({ start }: { readonly start: ActionStart }) {
  const words = messages.value.actions;
  const fields = useSignal(NO_FIELDS);
  const typedName = useSignal("");
  const { preview, outcome } = useMemo(() => ({
    preview: new RequestSignal<ActionPreview>(),
    outcome: new RequestSignal<ActionResult>(),
  }), []);
  const action = toAction(start, fields.value);
  usePreview(action, preview);

  const state = preview.state.value;
  const result = outcome.state.value;
  // What cannot be undone by one more click is confirmed by its name.
  const confirmation = start.kind === "removeGroup" ? String(start.gid) : "";
  const ready = action !== null && state.kind === "done" && state.value.refusal === null &&
    typedName.value.trim() === confirmation && result.kind !== "waiting";
  const close = () => openedAction.value = null;
  const submit = (event: Event) => {
    event.preventDefault();
    if (action !== null && ready) outcome.run(() => api.runAction(action, adminToken.peek()));
  };

  if (result.kind === "done") return <Outcome result={result.value} onClose={close} />;
  return (
    <form onSubmit={submit}>
      <ActionFieldset start={start} fields={fields} />
      <PreviewView action={action} state={state} />
      {confirmation !== "" && (
        <label class="field">
          <span>{words.typeToConfirm(confirmation)}</span>
          <input
            value={typedName.value}
            autocomplete="off"
            onInput={({ currentTarget }) => typedName.value = currentTarget.value}
          />
        </label>
      )}
      <p class="failure" role="alert">
        {result.kind === "failed" ? failureText(result.error, messages.value) : ""}
      </p>
      <div class="buttons">
        <button type="button" onClick={close}>{words.cancel}</button>
        <button type="submit" class="primary" disabled={!ready}>
          {result.kind === "waiting" ? `${words.running}…` : words.confirm}
        </button>
      </div>
    </form>
  );
}

/** Asks the server what would happen, a moment after the last change. */
function usePreview(action: Action | null, preview: RequestSignal<ActionPreview>): void {
  useEffect(() => {
    preview.reset();
    if (action === null) return;
    const timer = clock.setTimer(
      () => preview.run((aborted) => api.previewAction(action, adminToken.peek(), aborted)),
      TYPING_MS,
    );
    return () => timer.cancel();
  }, [JSON.stringify(action)]);
}

function Outcome({ result, onClose }: {
  readonly result: ActionResult;
  readonly onClose: () => void;
}) {
  const words = messages.value.actions;
  return (
    <>
      <p role="status">
        <strong>{words.done}.</strong> {result.message}
      </p>
      <p class="hint">{words.command}</p>
      <Command text={result.command} />
      <div class="buttons">
        <button type="button" class="primary" onClick={onClose}>{words.close}</button>
      </div>
    </>
  );
}
