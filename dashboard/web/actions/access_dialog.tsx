/** Says whether actions are on, and takes the token that switches them on. */
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { failureText } from "../failure_text.ts";
import { messages } from "../page_state.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { actionsEnabled, lock, mayAct, refreshAccess, unlock } from "./access.ts";

const opened = signal(false);

export function AccessButton() {
  const words = messages.value.actions;
  useEffect(() => void refreshAccess(), []);
  const open = async () => {
    await refreshAccess();
    opened.value = true;
  };
  return (
    <button type="button" class="quiet" aria-haspopup="dialog" onClick={open}>
      <Icon name={mayAct.value ? "unlock" : "lock"} />
      {mayAct.value ? words.unlocked : words.readOnly}
    </button>
  );
}

export function AccessDialog() {
  if (!opened.value) return null;
  const words = messages.value.actions;
  return (
    <Dialog title={words.access} onClose={() => opened.value = false}>
      {mayAct.value ? <On /> : actionsEnabled.value ? <TokenForm /> : <Disabled />}
    </Dialog>
  );
}

function CloseButton() {
  return (
    <button type="button" onClick={() => opened.value = false}>
      {messages.value.actions.close}
    </button>
  );
}

function Disabled() {
  const words = messages.value.actions;
  return (
    <>
      <p>{words.disabled}</p>
      <p>{words.howToEnable}</p>
      <div class="buttons">
        <CloseButton />
      </div>
    </>
  );
}

function On() {
  const words = messages.value.actions;
  return (
    <>
      <p>{words.on}</p>
      <div class="buttons">
        <button type="button" onClick={lock}>{words.lock}</button>
        <CloseButton />
      </div>
    </>
  );
}

function TokenForm() {
  const words = messages.value.actions;
  const typed = useSignal("");
  const failure = useSignal("");
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      failure.value = await unlock(typed.value) ? "" : words.wrongToken;
    } catch (error) {
      failure.value = failureText(error, messages.value);
    }
  };
  return (
    <form onSubmit={submit}>
      <p>{words.locked}</p>
      <label class="field">
        <span>{words.token}</span>
        <input
          type="password"
          value={typed.value}
          required
          autocomplete="off"
          aria-describedby="token-hint"
          onInput={({ currentTarget }) => typed.value = currentTarget.value}
        />
      </label>
      <p class="hint" id="token-hint">{words.tokenHint}</p>
      <p class="failure" role="alert">{failure.value}</p>
      <div class="buttons">
        <CloseButton />
        <button type="submit" class="primary">{words.unlock}</button>
      </div>
    </form>
  );
}
