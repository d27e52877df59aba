/** Which rule concerns which file. Paths are as the linter gives them, so only their end is looked at. */

/** Parts that decide and never act: same input, same output, on every replica and in every replay. */
const PURE_FILES = [
  /\/raft\/[a-z0-9_]+\.ts$/,
  /\/raft\/node\/session_table\.ts$/,
  /\/shardctrler\/(rebalance|changes|config|config_codec|shard_hash|machine)\.ts$/,
  /\/shardkv\/([a-z0-9_]+_)?machine\.ts$/,
  /\/shardkv\/(migration_plan|shard_status|shard_table|group_state)\.ts$/,
];

/** Parts of the project that may use the host's clock and chance directly. */
const HOST_FILES = [/\/runtime\//, /\/tests\//, /\/tasks\//];

function normalize(filename: string): string {
  return `/${filename.replaceAll("\\", "/")}`;
}

/** A test, or what only tests import. */
export function isTestFile(filename: string): boolean {
  return /_(test|testing|harness|fixture)s?\.ts$/.test(filename) ||
    /\/(tests|testing|testdata|conformance)\//.test(normalize(filename));
}

/** A file that must neither wait nor touch the host. */
export function isPureFile(filename: string): boolean {
  const path = normalize(filename);
  return !isTestFile(path) && PURE_FILES.some((pattern) => pattern.test(path));
}

/** A file that may call the host's timers, clock and random numbers. */
export function mayUseHost(filename: string): boolean {
  const path = normalize(filename);
  return isTestFile(path) || HOST_FILES.some((pattern) => pattern.test(path));
}
