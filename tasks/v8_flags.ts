/** How V8 is set up in the processes of this project. */

/**
 * A flag of `deno run` and `deno compile`; `deno.json` and `packaging/run` repeat
 * it. Effects are told in `docs/benchmark.md`, "What V8 is told".
 *
 * - `--heap-growing-percent=400`: old objects may grow to five times what
 *   survived the last full collection before the next begins, instead of some
 *   16 MB on top. Entries of the log count as they come, at megabytes a second,
 *   and next to nothing else is there to collect: a replica marked all its
 *   objects each second.
 * - `--no-parallel-scavenge`: the main thread collects young objects by itself.
 *   Few survive, and other threads have to be woken and waited for.
 */
export const V8_FLAGS = "--v8-flags=--heap-growing-percent=400,--no-parallel-scavenge";
