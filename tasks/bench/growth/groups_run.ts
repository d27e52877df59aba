/** The same callers against more and more groups. */
import type { Point, SystemFigures } from "../measurement.ts";
import { OurSystem } from "../our_system.ts";
import type { SystemOptions } from "../system.ts";
import { loadAndMeasure } from "../load_and_measure.ts";

export interface GroupsRunOptions extends SystemOptions {
  readonly callers: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** What a number of groups gave. */
export interface GroupsFigures extends SystemFigures {
  readonly groups: number;
}

/** @throws {Error} When a request fails */
export async function measureGroups(
  groups: number,
  options: GroupsRunOptions,
): Promise<GroupsFigures> {
  const { callers, warmupMs, durationMs } = options;
  await using system = await OurSystem.start(options, groups);
  const points = (["put", "get"] as const).map((operation): Point => (
    { path: "own", operation, callers }
  ));
  const figures = await loadAndMeasure(system, {
    points,
    warmupMs,
    durationMs,
    onSample: () => {},
  });
  return { groups, ...figures };
}
