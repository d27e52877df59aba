/** How a server is started: the running Deno, and no more permissions than a server needs. */
import { dirname, resolve } from "node:path";
import { v8FlagsOf } from "../v8_flags.ts";
import type { NodePlan } from "./plan.ts";

/** Absolute path of the project. */
export const PROJECT_ROOT = resolve(import.meta.dirname ?? ".", "../..");

/**
 * Arguments for the Deno executable.
 *
 * @param db Absolute path of the directory that holds the node's data
 */
export function processArgs(node: NodePlan, db: string): string[] {
  const main = `${PROJECT_ROOT}/${node.main}`;
  const permissions = node.kind === "server" ? serverPermissions(db) : [];
  return [
    ...["run", v8FlagsOf(node.main), "--quiet", "--no-prompt", "--allow-net=127.0.0.1,localhost"],
    // Unlisted variables read as undefined instead of failing.
    "--ignore-env",
    ...permissions,
    main,
    ...node.args,
    "-exit-with-parent",
  ];
}

function serverPermissions(db: string): string[] {
  return [
    // The native library of RocksDB, and what loads it.
    `--allow-ffi=${PROJECT_ROOT}/node_modules`,
    // And what the directory is in, to make its name durable.
    `--allow-read=${PROJECT_ROOT}/node_modules,${db},${dirname(db)}`,
    // RocksDB's own file access is not Deno's to judge; this is for creating the directory.
    `--allow-write=${db}`,
    "--ignore-read=/etc/alpine-release",
  ];
}
