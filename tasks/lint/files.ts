/** Which rule concerns which file. Paths are as the linter gives them, so only their end is looked at. */

/**
 * Parts that decide and never act: same input, same output, on every replica and in every replay.
 * A `*` stands for any part of a name.
 */
export const PURE_FILES = [
  "raft/*.ts",
  "raft/election/*.ts",
  "raft/log/*.ts",
  "raft/membership/*.ts",
  "raft/reads/*.ts",
  "raft/replication/*.ts",
  "raft/node/sessions/*.ts",
  "shardctrler/configuration/*.ts",
  "shardctrler/machine/machine_keys.ts",
  "shardctrler/machine/machine_records.ts",
  "shardkv/machine/apply_*.ts",
  "shardkv/machine/change_log.ts",
  "shardkv/machine/commands.ts",
  "shardkv/machine/group_state.ts",
  "shardkv/machine/machine_keys.ts",
  "shardkv/machine/ownership.ts",
  "shardkv/machine/results.ts",
  "shardkv/machine/shard_*.ts",
  "shardkv/migration/migration_plan.ts",
];

/** State machines: they touch the host as little, but load and prefetch from their engine. */
export const MACHINE_FILES = ["shardctrler/machine/*.ts", "shardkv/machine/*.ts"];

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
