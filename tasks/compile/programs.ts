/** The executables, and what each of them must be allowed to do. */

/** One executable. */
export interface Program {
  /** Its file's name. */
  readonly name: string;
  /** Its main module, from the project's root. */
  readonly main: string;
  /** Whether it needs the native library of RocksDB. */
  readonly hasDatabase: boolean;
  /** Deno's flags for what it may do, but for the native library. */
  readonly permissions: readonly string[];
}

/** Variables that libraries ask for read as unset. */
const EVERYWHERE = ["--allow-net", "--ignore-env"];

/** A server's data may be anywhere; that RocksDB reads and writes there is not Deno's to judge. */
const SERVER = [...EVERYWHERE, "--allow-read", "--allow-write"];

export const PROGRAMS: readonly Program[] = [
  {
    name: "shardctrlerserver",
    main: "shardctrler/main.ts",
    hasDatabase: true,
    permissions: SERVER,
  },
  {
    name: "shardctrlerclient",
    main: "client/shardctrlerclient.ts",
    hasDatabase: false,
    permissions: EVERYWHERE,
  },
  {
    name: "shardkvserver",
    main: "shardkv/main.ts",
    hasDatabase: true,
    permissions: SERVER,
  },
  {
    name: "shardkvclient",
    main: "client/shardkvclient.ts",
    hasDatabase: false,
    // `bench -record` writes a file.
    permissions: [...EVERYWHERE, "--allow-write"],
  },
  {
    name: "dashboard-server",
    main: "dashboard/main.ts",
    hasDatabase: false,
    // The admin token may be in a file.
    permissions: [...EVERYWHERE, "--allow-read"],
  },
];
