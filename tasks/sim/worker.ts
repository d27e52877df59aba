/// <reference lib="deno.worker" />
/** A thread that runs the seeds it is given, one after the other. */
import type { Profile } from "../../tests/sim/options.ts";
import { runSeed } from "./seed_report.ts";

/** What the pool asks for. */
export interface SeedOrder {
  readonly seed: number;
  readonly profile: Profile;
}

self.addEventListener("message", (event: MessageEvent<SeedOrder>) => {
  const { seed, profile } = event.data;
  runSeed(seed, profile).then((report) => self.postMessage(report));
});
