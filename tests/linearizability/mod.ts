/**
 * Judges recorded histories: could one copy of the data, doing one operation at
 * a time, have given these answers?
 *
 * ```ts ignore
 * const recorder = new HistoryRecorder(clock);
 * const clerk = recorder.wrap(new KvClerk(options), 1);
 * await clerk.put("k", "v");
 * const result = checkByKey(registerModel, recorder.operations(), { stepsMax: 1_000_000 });
 * for (const failed of result.failed) await Deno.writeTextFile(path, renderTimeline(failed));
 * ```
 *
 * @module
 */
export { checkByKey, type KeyResult, type KeysResult } from "./by_key.ts";
export { checkHistory, type CheckOptions, type CheckResult } from "./checker.ts";
export type { Operation, Outcome, WallTimes } from "./history.ts";
export { ILLEGAL, type Model } from "./model.ts";
export { HistoryRecorder, type KeyClerk } from "./recorder.ts";
export {
  type Bytes,
  executeRegister,
  type RegisterInput,
  registerModel,
  type RegisterOperation,
  type RegisterOutput,
  type RegisterState,
} from "./register_model.ts";
export { renderTimeline, type TimelineOptions } from "./timeline.ts";
