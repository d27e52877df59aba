/** Records as small as they can be, for tests of what the page does with them. */
import type { MoveView, NodeFigures, NodeView, Overview, ShardView } from "../../api.ts";

export function aNode(gid: number, id: number, parts: Partial<NodeView> = {}): NodeView {
  return {
    gid,
    id,
    address: `host${gid}:${id}`,
    role: "Follower",
    healthy: true,
    lastSeen: 1,
    error: null,
    term: 1,
    commitIndex: 1,
    lastApplied: 1,
    logFirstIndex: 1,
    logLastIndex: 1,
    lag: 0,
    storageBytes: 0,
    version: "0.1.0",
    figures: null,
    ...parts,
  };
}

export function figures(parts: Partial<NodeFigures> = {}): NodeFigures {
  return {
    readsPerSecond: 0,
    writesPerSecond: 0,
    failuresPerSecond: 0,
    readP50Ms: null,
    readP99Ms: null,
    writeP50Ms: null,
    writeP99Ms: null,
    fsyncP50Ms: null,
    fsyncP99Ms: null,
    applyLag: 0,
    eventLoopLagMs: 0,
    memoryBytes: 0,
    heapBytes: 0,
    cpuPercent: 0,
    uptimeMs: 0,
    ...parts,
  };
}

export function aShard(shardId: number, parts: Partial<ShardView> = {}): ShardView {
  return {
    shardId,
    groupId: 100,
    state: "Serving",
    keys: 0,
    bytes: 0,
    opsPerSecond: 0,
    ...parts,
  };
}

export function aMove(configNum: number, shardId: number, parts: Partial<MoveView> = {}): MoveView {
  return {
    configNum,
    shardId,
    fromGid: 100,
    toGid: 101,
    phase: "Copying",
    keysDone: 0,
    bytesDone: 0,
    keysTotal: null,
    bytesTotal: null,
    bytesPerSecond: 0,
    etaMs: null,
    startedAt: 0,
    finishedAt: null,
    ...parts,
  };
}

export function anOverview(parts: Partial<Overview>): Overview {
  return {
    health: "ok",
    shardsServed: 64,
    shardsTotal: 64,
    nodesUp: 9,
    nodesTotal: 9,
    groups: 2,
    configNum: 1,
    keys: 0,
    bytes: 0,
    storageBytes: 0,
    readsPerSecond: 0,
    writesPerSecond: 0,
    readP50Ms: null,
    readP99Ms: null,
    writeP50Ms: null,
    writeP99Ms: null,
    problems: [],
    ...parts,
  };
}
