/** The judges of a simulated run. They share no code with what they judge. */
import type { Observer } from "../observation.ts";
import { CensusChecker } from "./census.ts";
import { ConfigStepChecker } from "./config_steps.ts";
import { ConfigurationChecker } from "./configurations.ts";
import { DurabilityChecker } from "./durability.ts";
import { ElectionChecker } from "./elections.ts";
import { Frontier } from "./frontier.ts";
import { HandoverChecker } from "./handover.ts";
import { IdleChecker } from "./idle.ts";
import { Ledger } from "./ledger.ts";
import type { CheckedLimits } from "./limits.ts";
import { LogChecker } from "./log.ts";
import { MandateChecker } from "./mandates.ts";
import { MembershipChecker } from "./membership.ts";
import { MonotonicChecker } from "./monotonic.ts";
import { ProgressChecker } from "./progress.ts";
import { ReadChecker } from "./reads.ts";
import { RequestChecker } from "./requests.ts";
import { ServingChecker } from "./serving.ts";
import { SessionChecker } from "./sessions.ts";
import { SizeChecker } from "./shard_size.ts";
import { StateHashChecker } from "./state_hash.ts";
import { Turns } from "./turns.ts";

export type { CheckedLimits } from "./limits.ts";

/** New checkers for one run, each with a memory of its own. */
export function createCheckers(limits: CheckedLimits): Observer[] {
  const turns = new Turns();
  const ledger = new Ledger(turns);
  const frontier = new Frontier();
  return [
    // What the others ask is told first.
    turns,
    ledger,
    frontier,
    new ElectionChecker(),
    new MandateChecker(turns),
    new LogChecker(turns, ledger),
    new MonotonicChecker(turns),
    new DurabilityChecker(turns, ledger),
    new ProgressChecker(turns, ledger, limits),
    new MembershipChecker(turns, ledger),
    new ReadChecker(ledger),
    new SessionChecker(),
    new StateHashChecker(),
    new ServingChecker(frontier),
    new ConfigStepChecker(),
    new HandoverChecker(ledger, frontier),
    new CensusChecker(),
    new SizeChecker(),
    new ConfigurationChecker(),
    new RequestChecker(limits),
    new IdleChecker(),
  ];
}
