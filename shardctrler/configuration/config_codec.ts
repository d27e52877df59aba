/** Configurations as messages. */
import type { Config as ConfigMessage, Servers } from "../../proto/gen/shardctrler.ts";
import { configProblem } from "./config_check.ts";
import { type Config, type Gid, type GroupIdentity, NO_IDENTITY } from "./config.ts";

/** The message of a configuration; equal configurations give equal bytes. */
export function encodeConfig(config: Config): ConfigMessage {
  return {
    storeId: config.storeId,
    num: config.num,
    shards: [...config.shards],
    groups: encodeGroups(config.groups, config.identities),
    lastOwners: Object.fromEntries(config.lastOwners),
    departed: encodeGroups(config.departed, config.identities),
  };
}

/**
 * The configuration in a message.
 *
 * @throws {RangeError} If the message breaks an invariant of {@linkcode Config}
 */
export function decodeConfig(message: ConfigMessage): Config {
  const config: Config = {
    storeId: message.storeId,
    num: message.num,
    shards: [...message.shards],
    groups: decodeGroups(message.groups),
    lastOwners: new Map(
      Object.entries(message.lastOwners).map(([shard, gid]) => [Number(shard), gid]),
    ),
    departed: decodeGroups(message.departed),
    identities: decodeIdentities({ ...message.groups, ...message.departed }),
  };
  const problem = configProblem(config);
  if (problem !== undefined) {
    throw new RangeError(`Cannot decode configuration ${message.num}: ${problem}`);
  }
  return config;
}

/** Servers of groups as the messages carry them, also outside a configuration. */
export function encodeGroups(
  groups: ReadonlyMap<Gid, readonly string[]>,
  identities: ReadonlyMap<Gid, GroupIdentity>,
): { [gid: number]: Servers } {
  // Integer keys of an object are always in ascending order, whatever the map's order.
  return Object.fromEntries(
    groups.entries().map(([gid, servers]) => [gid, {
      servers: [...servers],
      identity: identities.get(gid) ?? NO_IDENTITY,
    }]),
  );
}

/** What {@linkcode encodeGroups} made, by ascending gid; nothing is checked. */
export function decodeGroups(message: { [gid: number]: Servers }): Map<Gid, readonly string[]> {
  return new Map(
    Object.entries(message)
      .map(([gid, entry]): [Gid, readonly string[]] => [Number(gid), [...entry.servers]])
      .sort(([a], [b]) => a - b),
  );
}

/** The identities in what {@linkcode encodeGroups} made, those that are known; nothing is checked. */
export function decodeIdentities(message: { [gid: number]: Servers }): Map<Gid, GroupIdentity> {
  return new Map(
    Object.entries(message)
      .map(([gid, { identity }]): [Gid, GroupIdentity] => [Number(gid), identity])
      .filter(([, identity]) => identity !== NO_IDENTITY)
      .sort(([a], [b]) => a - b),
  );
}
