/** How V8 is set up in the processes of this project. */

/**
 * How V8 collects garbage. Effects are told in `docs/benchmark.md`, "What V8 is told".
 *
 * - `--heap-growing-percent=400`: old objects may grow to five times what
 *   survived the last full collection before the next begins, instead of some
 *   16 MB on top. Entries of the log count as they come, at megabytes a second,
 *   and next to nothing else is there to collect: a replica marked all its
 *   objects each second.
 * - `--no-parallel-scavenge`: one thread collects young objects. Few survive, and
 *   several have to be woken and waited for.
 * - `--no-allocation-site-pretenuring`: V8 makes what a line of code makes straight
 *   in old space once most of it has been seen to survive. Of calls that come by
 *   the hundred that is true while the young generation is still small, and then
 *   never again; but what such an object points to outlives its collection, too.
 */
const COLLECTION = [
  "--heap-growing-percent=400",
  "--no-parallel-scavenge",
  "--no-allocation-site-pretenuring",
];

/**
 * When V8 compiles: functions are compiled for good after 200 calls (V8's own
 * bound is 3,000), 100 after their types were last seen to change (500). What
 * runs once for each message or round of a quiet cluster otherwise stays slow for
 * minutes.
 */
const EARLY_COMPILATION = [
  "--invocation-count-for-turbofan=200",
  "--minimum-invocations-after-ic-update=100",
];

/** What answers a few heartbeats a second, and whom compiling would cost more than it ever gains. */
const QUIET_PROGRAMS: readonly string[] = ["shardctrler/main.ts", "dashboard/main.ts"];

/**
 * The flag of `deno run` and `deno compile` for a main module; `deno.json` and
 * `packaging/run` repeat it.
 *
 * @param main From the project's root
 */
export function v8FlagsOf(main: string): string {
  const flags = QUIET_PROGRAMS.includes(main) ? COLLECTION : [...COLLECTION, ...EARLY_COMPILATION];
  return `--v8-flags=${flags.join(",")}`;
}
