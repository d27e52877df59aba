/** Tells readers who hear the page what has happened: the health, when it changes, and not too often. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Timer } from "../../../runtime/clock.ts";
import { healthSentence } from "../health.ts";
import { clock, cluster, messages } from "../page_state.ts";

/** While nodes come and go the sentence changes each second; nobody wants to hear that. */
const QUIET_MS = 10_000;

export function Announcer() {
  const spoken = useSignal("");
  const timer = useRef<Timer | null>(null);
  useSignalEffect(() => {
    const overview = cluster.overview.value;
    if (overview === null) return;
    const sentence = healthSentence(overview, messages.value);
    if (timer.current !== null || sentence === spoken.peek()) return;
    spoken.value = sentence;
    timer.current = clock.setTimer(() => {
      timer.current = null;
      const latest = cluster.overview.peek();
      if (latest !== null) spoken.value = healthSentence(latest, messages.peek());
    }, QUIET_MS);
  });
  return <p class="visually-hidden" role="status">{spoken.value}</p>;
}
