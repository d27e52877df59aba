/** Which rule concerns which file. Paths are as the linter gives them, so only their end is looked at. */

/**
 * Parts that decide and never act: same input, same output, on every replica and in every replay.
 * A `*` stands for any part of a name.
 */
export const PURE_FILES = [
  "raft/*.ts",
  "raft/node/session_record.ts",
  "raft/node/session_table.ts",
  "shardctrler/change.ts",
  "shardctrler/change_codec.ts",
  "shardctrler/apply_change.ts",
  "shardctrler/config.ts",
  "shardctrler/config_check.ts",
  "shardctrler/config_codec.ts",
  "shardctrler/machine_keys.ts",
  "shardctrler/machine_records.ts",
  "shardctrler/rebalance.ts",
  "shardctrler/shard_hash.ts",
  "shardkv/apply_*.ts",
  "shardkv/change_log.ts",
  "shardkv/commands.ts",
  "shardkv/group_state.ts",
  "shardkv/machine_keys.ts",
  "shardkv/migration_plan.ts",
  "shardkv/ownership.ts",
  "shardkv/results.ts",
  "shardkv/shard_record.ts",
  "shardkv/shard_status.ts",
  "shardkv/shard_values.ts",
];

/** State machines: as pure, but they load and prefetch from the engine they are given. */
export const MACHINE_FILES = [
  "shardctrler/*machine.ts",
  "shardkv/*machine.ts",
  "shardkv/load_state.ts",
  "shardkv/prefetch.ts",
];

/** Parts of the project that may use the host's clock and chance directly. */
const HOST_FILES = [/\/runtime\//, /\/tests\//, /\/tasks\//];

const purePatterns = PURE_FILES.map(patternOf);
const machinePatterns = MACHINE_FILES.map(patternOf);

/** What the end of a path must look like to be of a listed file. */
export function patternOf(listed: string): RegExp {
  return new RegExp(`/${listed.replaceAll(".", "\\.").replaceAll("*", "[a-z0-9_]*")}$`);
}

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
  return isOneOf(purePatterns, filename);
}

/** A file that may wait for reads, but must not touch the host. */
export function isMachineFile(filename: string): boolean {
  return isOneOf(machinePatterns, filename);
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
