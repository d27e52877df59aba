/** A command to type, with a button that copies it. */
import { useSignal } from "@preact/signals";
import { clock, messages } from "../page_state.ts";
import { Icon } from "./icon.tsx";

/** Long enough to be noticed. */
const COPIED_MS = 2000;

export function Command({ text }: { readonly text: string }) {
  const copied = useSignal(false);
  const words = messages.value;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    clock.setTimer(() => copied.value = false, COPIED_MS);
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" class="quiet" onClick={copy} aria-label={words.copyCommand(text)}>
        <Icon name={copied.value ? "check" : "copy"} />
        <span>{copied.value ? words.copied : words.copy}</span>
      </button>
    </div>
  );
}
