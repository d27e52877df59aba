/** Which part of the project may import which. The picture is in docs/architecture.md. */

import { isTestFile } from "../lint/files.ts";

/** A part of the project, seen from the outside. */
export type Room =
  | "raft"
  | "raft/node"
  | "runtime"
  | "rpc"
  | "storage"
  | "server"
  | "proto/gen"
  | "shardctrler"
  | "shardctrler/configuration"
  | "shardkv"
  | "client"
  | "dashboard"
  | "dashboard/api.ts"
  | "dashboard/web"
  | "dashboard/gen"
  | "mod.ts"
  | "tests"
  | "tasks"
  | "third party";

/** Parts of runtime/ that are pure themselves; all that the Raft core stands on. */
export const CORE_MAY_IMPORT = ["runtime/invariant.ts", "runtime/prng.ts"];

const MAY_IMPORT: Readonly<Record<Room, readonly Room[] | "anything">> = {
  "raft": [],
  "raft/node": ["raft", "storage", "rpc", "runtime", "proto/gen", "third party"],
  "runtime": ["third party"],
  "rpc": ["runtime", "proto/gen", "third party"],
  "storage": ["runtime", "third party"],
  "server": ["raft/node", "rpc", "storage", "runtime", "proto/gen", "third party"],
  "proto/gen": ["third party"],
  "shardctrler/configuration": ["proto/gen", "rpc", "runtime", "third party"],
  "shardctrler": [
    "shardctrler/configuration",
    "server",
    "raft/node",
    "raft",
    "storage",
    "rpc",
    "runtime",
    "proto/gen",
    "third party",
  ],
  "shardkv": [
    "client",
    "shardctrler/configuration",
    "server",
    "raft/node",
    "raft",
    "storage",
    "rpc",
    "runtime",
    "proto/gen",
    "third party",
  ],
  "client": ["shardctrler/configuration", "rpc", "runtime", "proto/gen", "third party"],
  "dashboard": [
    "dashboard/api.ts",
    "dashboard/gen",
    "client",
    "shardctrler/configuration",
    "rpc",
    "runtime",
    "proto/gen",
    "third party",
  ],
  "dashboard/api.ts": [],
  "dashboard/gen": [],
  // Runs in a browser: nothing of a server's is there.
  "dashboard/web": ["dashboard/api.ts", "runtime", "third party"],
  "mod.ts": ["client", "shardctrler/configuration", "rpc", "runtime"],
  "tests": "anything",
  "tasks": "anything",
  "third party": [],
};

/** The room of a file, by its path from the project's root; undefined for files of no room. */
export function roomOf(path: string): Room | undefined {
  if (!path.endsWith(".ts") && !path.endsWith(".tsx")) return undefined;
  if (isTestFile(path)) return "tests";
  if (path === "mod.ts") return "mod.ts";
  const [top = "", second = ""] = path.split("/");
  switch (top) {
    case "raft":
      return second === "node" ? "raft/node" : "raft";
    case "proto":
      return second === "gen" ? "proto/gen" : undefined;
    case "dashboard":
      if (second === "api.ts") return "dashboard/api.ts";
      return second === "web" || second === "gen" ? `dashboard/${second}` : "dashboard";
    case "shardctrler":
      return second === "configuration" ? "shardctrler/configuration" : "shardctrler";
    case "runtime":
    case "rpc":
    case "storage":
    case "server":
    case "shardkv":
    case "client":
    case "tests":
    case "tasks":
      return top;
    default:
      return undefined;
  }
}

/**
 * Why `from` must not import `to`; undefined if it may.
 *
 * @param from Path of the importing file from the project's root
 * @param to Path of the imported file, or a specifier such as `npm:rocksdb`
 */
export function forbiddenBecause(from: string, to: string): string | undefined {
  const source = roomOf(from);
  const isOurs = !/^[a-z]+:/.test(to);
  const target: Room | undefined = isOurs ? roomOf(to) : "third party";
  if (source === undefined || target === undefined) return undefined;
  const allowed = MAY_IMPORT[source];
  if (allowed === "anything" || source === target) return undefined;
  if (allowed.includes(target)) return undefined;
  if (source === "raft" && CORE_MAY_IMPORT.includes(to)) return undefined;
  const rooms = source === "raft"
    ? `only its own files, ${CORE_MAY_IMPORT.join(" and ")}`
    : `only ${allowed.join(", ")}`;
  return `${source} may import ${rooms}: move what is needed there, or pass it in`;
}
