/**
 * What the dashboard's server and its page say to each other: JSON under
 * `/api/v1/` and server-sent events. Types only, shared by both sides, so that
 * neither can drift.
 *
 * | Request                        | Answer                                            |
 * | ------------------------------ | ------------------------------------------------- |
 * | `GET /api/v1/state`            | {@linkcode ClusterState}                          |
 * | `GET /api/v1/history`          | {@linkcode History}                               |
 * | `GET /api/v1/events`           | server-sent events, see {@linkcode StateEvent}    |
 * | `GET /api/v1/keys/value?key=`  | {@linkcode KeyView}; `key64=` for a key in base64 |
 * | `GET /api/v1/keys?prefix=`     | {@linkcode KeyPage}; `&after=` the last `next`    |
 * | `GET /api/v1/actions`          | {@linkcode ActionSupport}                         |
 * | `POST /api/v1/actions/preview` | {@linkcode Action} -> {@linkcode ActionPreview}   |
 * | `POST /api/v1/actions/run`     | {@linkcode Action} -> {@linkcode ActionResult}    |
 *
 * Any failure answers with a status of 400 or more and an {@linkcode ApiError}.
 * Actions need the header `Authorization: Bearer <admin token>`.
 */

/** Milliseconds since 1970, by the clock of the dashboard's server. */
export type Instant = number;

export type NodeRole = "Leader" | "Follower" | "Learner" | "Candidate" | "Offline";

/** One server, a controller or a replica of a group. Unique by `gid` and `id`. */
export interface NodeView {
  /** 0: a controller. */
  readonly gid: number;
  /** Counts from 0, as on the server's command line. */
  readonly id: number;
  readonly address: string;
  readonly role: NodeRole;
  /** It answered the last time it was asked. */
  readonly healthy: boolean;
  /** When it last answered; null if it never has. */
  readonly lastSeen: Instant | null;
  /** Why it did not answer; null if it did. */
  readonly error: string | null;
  readonly term: number;
  readonly commitIndex: number;
  readonly lastApplied: number;
  readonly logFirstIndex: number;
  readonly logLastIndex: number;
  /** Entries that its leader has committed and it has not applied; null if there is no leader. */
  readonly lag: number | null;
  /** Bytes on disk. */
  readonly storageBytes: number;
  readonly version: string;
  /** What it measures of itself; null while that is not known. */
  readonly figures: NodeFigures | null;
}

/** Rates and percentiles over the time since the node was last asked. Milliseconds, bytes, 1/s. */
export interface NodeFigures {
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly failuresPerSecond: number;
  /** Of reads and writes as the server saw them; null if there were none. */
  readonly readP50Ms: number | null;
  readonly readP99Ms: number | null;
  readonly writeP50Ms: number | null;
  readonly writeP99Ms: number | null;
  /** Of synced writes to the log. */
  readonly fsyncP50Ms: number | null;
  readonly fsyncP99Ms: number | null;
  /** Entries committed and not applied. */
  readonly applyLag: number;
  readonly eventLoopLagMs: number;
  readonly memoryBytes: number;
  readonly heapBytes: number;
  /** Percent of one core. */
  readonly cpuPercent: number;
  readonly uptimeMs: number;
}

export interface GroupView {
  readonly gid: number;
  /** Id of the leader; null if none is known. */
  readonly leaderId: number | null;
  /** The shards that the configuration gives it, in order. */
  readonly shards: readonly number[];
  readonly keys: number;
  /** Of keys and values. */
  readonly bytes: number;
  /** On the disks of all its nodes. */
  readonly storageBytes: number;
  /** It has left, and still holds shards. */
  readonly departed: boolean;
}

export type ShardState =
  | "Serving"
  | "Pulling"
  | "BePulling"
  | "GCing"
  | "Frozen"
  /** Nobody could be asked. */
  | "Unknown";

export interface ShardView {
  readonly shardId: number;
  /** The group that the configuration gives it to; 0: none. */
  readonly groupId: number;
  readonly state: ShardState;
  readonly keys: number;
  readonly bytes: number;
  /** Reads and writes. */
  readonly opsPerSecond: number;
}

/** Where a move stands. `Copying` and `CatchingUp`: the source still serves the shard. */
export type MovePhase = "Waiting" | "Copying" | "CatchingUp" | "HandingOver" | "Cleaning" | "Done";

/** One shard on its way. Unique by `configNum` and `shardId`. */
export interface MoveView {
  readonly configNum: number;
  readonly shardId: number;
  readonly fromGid: number;
  readonly toGid: number;
  readonly phase: MovePhase;
  readonly keysDone: number;
  readonly bytesDone: number;
  /** As far as the source has told. */
  readonly keysTotal: number | null;
  readonly bytesTotal: number | null;
  readonly bytesPerSecond: number;
  /** Milliseconds left at this rate; null if that cannot be told. */
  readonly etaMs: number | null;
  readonly startedAt: Instant;
  /** Null while it is under way. */
  readonly finishedAt: Instant | null;
}

/**
 * Something that needs a look. The page has the words, by code and language:
 * what it is, why it matters, what to do.
 */
export interface Problem {
  readonly code:
    | "controllersUnreachable"
    | "noControllerLeader"
    | "nodeDown"
    | "noGroupLeader"
    | "groupAtRisk"
    | "groupDown"
    | "shardUnserved"
    | "noGroups"
    | "nodeLagging"
    | "moveStalled"
    | "versionsDiffer"
    | "groupDeparted";
  readonly severity: "warning" | "critical";
  /** Present where it is about one. */
  readonly gid?: number;
  readonly nodeId?: number;
  readonly address?: string;
  readonly shardId?: number;
  /** How many, behind by how much, and the like. */
  readonly count?: number;
  readonly since?: Instant;
}

export type Health = "ok" | "degraded" | "unavailable" | "unknown";

export interface Overview {
  /** `unavailable`: some shard is served by nobody. `unknown`: the controllers do not answer. */
  readonly health: Health;
  readonly shardsServed: number;
  readonly shardsTotal: number;
  readonly nodesUp: number;
  readonly nodesTotal: number;
  readonly groups: number;
  readonly configNum: number;
  readonly keys: number;
  readonly bytes: number;
  readonly storageBytes: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly readP50Ms: number | null;
  readonly readP99Ms: number | null;
  readonly writeP50Ms: number | null;
  readonly writeP99Ms: number | null;
  /** Worst first. */
  readonly problems: readonly Problem[];
}

/** Everything the page shows, at one moment. */
export interface ClusterState {
  readonly overview: Overview;
  /** Id of the controllers' leader; null if none is known. */
  readonly controllerLeaderId: number | null;
  /** By gid and id; controllers first. */
  readonly nodes: readonly NodeView[];
  readonly groups: readonly GroupView[];
  readonly shards: readonly ShardView[];
  /** Under way first, then the latest that are done, at most 200. */
  readonly moves: readonly MoveView[];
  readonly updatedAt: Instant;
  /** Milliseconds between two looks at the cluster. */
  readonly intervalMs: number;
}

/** What has changed since the event before: whole records in place of those with the same key. */
export interface StateDelta {
  readonly overview?: Overview;
  readonly controllerLeaderId?: number | null;
  readonly nodes?: readonly NodeView[];
  readonly groups?: readonly GroupView[];
  readonly shards?: readonly ShardView[];
  readonly moves?: readonly MoveView[];
  /** Keys of records that are gone: `gid-id`, `gid`, `configNum-shardId`. */
  readonly gone?: {
    readonly nodes?: readonly string[];
    readonly groups?: readonly number[];
    readonly moves?: readonly string[];
  };
  readonly updatedAt: Instant;
}

/**
 * The events of `/api/v1/events` and their data. Each has an id. A client that
 * comes back with `Last-Event-ID` gets the deltas it has missed, or a snapshot
 * if they are too many. A comment line keeps the connection alive.
 */
export interface StateEvent {
  readonly snapshot: ClusterState;
  readonly delta: StateDelta;
}

/** One column per sample, oldest first, null where a node did not answer. */
export interface Series {
  readonly gid: number;
  readonly id: number;
  readonly readsPerSecond: readonly (number | null)[];
  readonly writesPerSecond: readonly (number | null)[];
  readonly writeP99Ms: readonly (number | null)[];
  readonly readP99Ms: readonly (number | null)[];
  readonly fsyncP99Ms: readonly (number | null)[];
  readonly applyLag: readonly (number | null)[];
  readonly memoryBytes: readonly (number | null)[];
}

/** The samples of the last minutes, so that a page just opened has charts. */
export interface History {
  readonly times: readonly Instant[];
  readonly series: readonly Series[];
}

/** Bytes as text if they are UTF-8, else in base64. */
export type Bytes = { readonly text: string } | { readonly base64: string };

export interface KeyView {
  readonly key: Bytes;
  readonly found: boolean;
  /** The first bytes of the value. */
  readonly value: Bytes | null;
  /** Length of the whole value. */
  readonly valueBytes: number;
  readonly shardId: number;
  readonly groupId: number;
}

export interface KeyPage {
  readonly keys: readonly {
    readonly key: Bytes;
    readonly shardId: number;
    readonly groupId: number;
  }[];
  /** To be sent as `after` for the next page; null after the last. */
  readonly next: string | null;
}

export interface ActionSupport {
  /** The server was started with an admin token. */
  readonly enabled: boolean;
  /** The request carried that token. */
  readonly authorized: boolean;
}

export type Action =
  | { readonly kind: "moveShard"; readonly shardId: number; readonly gid: number }
  | { readonly kind: "transferLeader"; readonly gid: number; readonly nodeId: number }
  | { readonly kind: "addGroup"; readonly gid: number; readonly servers: readonly string[] }
  | { readonly kind: "removeGroup"; readonly gid: number };

export interface ActionPreview {
  /** The same on the command line. */
  readonly command: string;
  /** Shards that would change hands. */
  readonly moves: readonly {
    readonly shardId: number;
    readonly fromGid: number;
    readonly toGid: number;
  }[];
  /** Why it would be refused; null if it would not. */
  readonly refusal: string | null;
}

export interface ActionResult {
  readonly command: string;
  readonly message: string;
}

export interface ApiError {
  readonly error: { readonly code: string; readonly message: string };
}
