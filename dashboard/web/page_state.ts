/** What the whole page shares: the cluster, its history, the connection, the address, the reader. */
import { computed, effect, signal } from "@preact/signals";
import { systemClock } from "../../runtime/clock.ts";
import { createPrng, randomSeed } from "../../runtime/prng.ts";
import { ApiClient } from "./api_client.ts";
import { ClusterStore } from "./cluster_store.ts";
import { Format } from "./format.ts";
import { type LiveStatus, LiveStream } from "./live_stream.ts";
import { LOCALE_OF, messagesIn } from "./messages/messages.ts";
import { memoryIn } from "./memory.ts";
import { Preferences } from "./preferences.ts";
import { formatRoute, parseRoute, type Route } from "./route.ts";
import { SampleHistory } from "./sample_history.ts";

export const clock = systemClock;
export const api = new ApiClient({ clock, fetch: (path, init) => fetch(path, init) });
export const cluster = new ClusterStore();
export const history = new SampleHistory();
/** Counts up whenever the history has changed. */
export const historyVersion = signal(0);
export const liveStatus = signal<LiveStatus>({ kind: "connecting" });
export const route = signal<Route>(parseRoute(location.hash));
export const preferences = new Preferences(memoryIn(() => localStorage), navigator.languages);
export const messages = computed(() => messagesIn[preferences.language.value]);
export const format = computed(() => new Format(LOCALE_OF[preferences.language.value]));
/** Counts up when the colours change. */
export const paletteVersion = signal(0);

/**
 * Sets parameters of the current page without a new entry in the browser's history. An empty text
 * takes a parameter away.
 */
export function setParams(params: Readonly<Record<string, string>>): void {
  const hash = withParams(params);
  globalThis.history.replaceState(null, "", hash);
  route.value = parseRoute(hash);
}

/** As {@linkcode setParams}, but the back button leads back to what was there before. */
export function visitParams(params: Readonly<Record<string, string>>): void {
  location.hash = withParams(params);
}

function withParams(params: Readonly<Record<string, string>>): string {
  const { page, params: old } = route.peek();
  return formatRoute({ page, params: { ...old, ...params } });
}

const stream = new LiveStream({
  open: () => new EventSource("/api/v1/events"),
  clock,
  prng: createPrng(randomSeed()),
  onSnapshot(state) {
    cluster.load(state);
    sample();
    // Comes with each snapshot: what happened while the page was away belongs to the charts too.
    api.getHistory().then((kept) => {
      history.load(kept);
      historyVersion.value++;
    }, () => {/* Charts then begin with what comes live. */});
  },
  onDelta(delta) {
    cluster.apply(delta);
    sample();
  },
  onStatus(status) {
    const { kind } = liveStatus.peek();
    if (status.kind !== "live" || kind !== "live") liveStatus.value = status;
  },
});

export const retryNow = () => stream.retryNow();

/** The server asks who is up more often than it asks for figures, which would only repeat. */
function sample(): void {
  const at = cluster.updatedAt.peek();
  const spacingMs = cluster.intervalMs.peek() * 0.9;
  if (at - (history.times.at(-1) ?? -Infinity) < spacingMs) return;
  history.append(at, cluster.nodes.all());
  historyVersion.value++;
}

/** Connects the page's state with the browser around it. Called once. */
export function startPage(): void {
  globalThis.addEventListener("hashchange", () => {
    route.value = parseRoute(location.hash);
  });
  document.addEventListener("visibilitychange", () => stream.setHidden(document.hidden));
  stream.setHidden(document.hidden);
  stream.start();
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  darkness.addEventListener("change", () => paletteVersion.value++);
  effect(() => {
    const theme = preferences.theme.value;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    paletteVersion.value = paletteVersion.peek() + 1;
  });
  effect(() => {
    document.documentElement.lang = LOCALE_OF[preferences.language.value];
    document.title = `${messages.value.pages[route.value.page]} · ${messages.value.title}`;
  });
}
