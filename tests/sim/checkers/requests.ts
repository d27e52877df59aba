/** Calls end: item 27. */
import type { HistoryOperation } from "../history.ts";
import type { Observer, SystemView } from "../observation.ts";
import { check } from "./items.ts";
import type { CheckedLimits } from "./limits.ts";

/** What a call may take beyond its time: the answer to its deadline needs none. */
const SLACK_MS = 1;

export class RequestChecker implements Observer {
  readonly #limits: CheckedLimits;

  constructor(limits: CheckedLimits) {
    this.#limits = limits;
  }

  operationReturned({ id, method, key, invokedMs, returnedMs, client }: HistoryOperation): void {
    // The time of a scan is that of each page; it begins anew whenever something has come.
    if (client < 0 || method === "scan") return;
    const tookMs = (returnedMs ?? Infinity) - invokedMs;
    const limitMs = this.#limits.callTimeoutMaxMs + SLACK_MS;
    check(
      tookMs <= limitMs,
      "answered",
      () => `Operation ${id} (${method} '${key}') took ${tookMs} ms, at most ${limitMs} are given`,
    );
  }

  ended({ history }: SystemView): void {
    for (const { id, method, key, client, returned } of history) {
      check(
        returned !== undefined || client < 0,
        "answered",
        () => `Operation ${id} (${method} '${key}') has no end`,
      );
    }
  }
}
