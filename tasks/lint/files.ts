/** Which rule concerns which file. Paths are as the linter gives them, so only their end is looked at. */

/** Parts that decide and never act: same input, same output, on every replica and in every replay. */
const PURE_FILES = [
  /\/raft\/[a-z0-9_]+\.ts$/,
  /\/raft\/node\/session_table\.ts$/,
  /\/shardctrler\/(address|changes?|change_codec|config|config_check|config_codec)\.ts$/,
  /\/shardctrler\/(machine_keys|machine_records|rebalance|shard_hash)\.ts$/,
  /\/shardkv\/(apply_[a-z_]+|machine_keys)\.ts$/,
  /\/shardkv\/(commands|group_state|migration_plan|ownership|results|shard_record|shard_status)\.ts$/,
];

/** State machines: as pure, but they load and prefetch from the engine they are given. */
const MACHINE_FILES = [
  /\/(shardctrler|shardkv)\/([a-z_]+_)?machine\.ts$/,
  /\/shardkv\/(load_state|prefetch)\.ts$/,
];

/** Parts of the project that may use the host's clock and chance directly. */
const HOST_FILES = [/\/runtime\//, /\/tests\//, /\/tasks\//];

function normalize(filename: string): string {
  return `/${filename.replaceAll("\\", "/")}`;
}

/** A test or a measurement, or what only those import. */
export function isTestFile(filename: string): boolean {
  return /_(test|testing|harness|fixture|conformance|bench)s?\.tsx?$/.test(filename) ||
    /\/(tests|testing|testdata|conformance)\//.test(normalize(filename));
}

/** A file that must neither wait nor touch the host. */
export function isPureFile(filename: string): boolean {
  return isOneOf(PURE_FILES, filename);
}

/** A file that may wait for reads, but must not touch the host. */
export function isMachineFile(filename: string): boolean {
  return isOneOf(MACHINE_FILES, filename);
}

function isOneOf(patterns: readonly RegExp[], filename: string): boolean {
  const path = normalize(filename);
  return !isTestFile(path) && patterns.some((pattern) => pattern.test(path));
}

/** A file that may call the host's timers, clock and random numbers. */
export function mayUseHost(filename: string): boolean {
  const path = normalize(filename);
  return isTestFile(path) || HOST_FILES.some((pattern) => pattern.test(path));
}
