/**
 * eRaft's own answers, under its names. Where eRaft tells something false, this
 * tells the truth: `leaderId` is -1 while there is no leader, a candidate is
 * one, `lastSeen` of a server that never answered is null, and a list without
 * entries is an empty list. Pure.
 */
import { CONTROLLERS_GID } from "../../shardctrler/configuration/config.ts";
import type { ClusterState, GroupView, Instant, NodeView } from "../api.ts";

/** Says that nobody leads; eRaft says 0, which is a server. */
const NO_LEADER = -1;

export function classicDashboard(state: ClusterState) {
  const { shards } = state;
  return {
    topology: classicTopology(state),
    metrics: classicMetrics(state),
    shards: shards.map(({ shardId, groupId, state, keys, bytes }) => {
      return { shardId, groupId, state, keys, bytes };
    }),
  };
}

export function classicTopology(state: ClusterState) {
  const { overview, controllerLeaderId, nodes, groups, shards, updatedAt } = state;
  const controllers = nodes.filter(({ gid }) => gid === CONTROLLERS_GID);
  return {
    configCluster: {
      configNum: overview.configNum,
      nodes: controllers.map(classicNode),
      leaderId: controllerLeaderId ?? NO_LEADER,
      totalStorage: controllers.reduce((sum, { storageBytes }) => sum + storageBytes, 0),
    },
    shardGroups: groups.map((group) => classicGroup(group, nodes)),
    shardMap: Object.fromEntries(shards.map(({ shardId, groupId }) => [shardId, groupId])),
    totalShards: overview.shardsTotal,
    updatedAt: timeText(updatedAt),
  };
}

export function classicMetrics({ overview, updatedAt }: ClusterState) {
  return {
    totalNodes: overview.nodesTotal,
    healthyNodes: overview.nodesUp,
    totalStorage: overview.storageBytes,
    totalKeys: overview.keys,
    totalShards: overview.shardsTotal,
    averageLoad: overview.groups === 0 ? 0 : overview.shardsTotal / overview.groups,
    updatedAt: timeText(updatedAt),
  };
}

function classicGroup(group: GroupView, nodes: readonly NodeView[]) {
  return {
    groupId: group.gid,
    nodes: nodes.filter(({ gid }) => gid === group.gid).map(classicNode),
    shards: group.shards,
    totalStorage: group.storageBytes,
    leaderId: group.leaderId ?? NO_LEADER,
  };
}

function classicNode(node: NodeView) {
  const { id, address, role, term, commitIndex, lastApplied, storageBytes, healthy } = node;
  return {
    id,
    address,
    role,
    term,
    commitIndex,
    lastApplied,
    storageBytes,
    healthy,
    lastSeen: node.lastSeen === null ? null : timeText(node.lastSeen),
  };
}

function timeText(at: Instant): string {
  return new Date(at).toISOString();
}
