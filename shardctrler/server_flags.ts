/** The command line of `shardctrlerserver`. */
import { defineFlags, intFlag, stringFlag } from "../runtime/flags.ts";
import {
  addressesFlag,
  commonFlags,
  commonSettings,
  type ServerSettings,
} from "../server/flags.ts";
import { SHARDS_DEFAULT, SHARDS_MAX } from "./configuration/config.ts";

/** What one controller was told on its command line. */
export interface ControllerSettings extends ServerSettings {
  /** Undefined: as many as the cluster has, or the default for a new one. */
  readonly shards: number | undefined;
}

const CLUSTER_DEFAULT = "127.0.0.1:50051,127.0.0.1:50052,127.0.0.1:50053";

const flags = defineFlags("shardctrlerserver", {
  ...commonFlags,
  cluster: addressesFlag(CLUSTER_DEFAULT, "cluster addresses, the same on every node"),
  db: stringFlag({ default: "data/shardctrler", help: "database `path`; _<id> is appended" }),
  shards: intFlag({
    default: 0,
    min: 1,
    max: SHARDS_MAX,
    help: `shards of a new cluster, for good (default ${SHARDS_DEFAULT}); ` +
      "another number than the cluster has is refused",
  }),
}, { hasVersion: true });

/**
 * @throws {FlagError} When a flag makes no sense
 * @throws {HelpRequested} At `-h`
 * @throws {VersionRequested} At `-version`
 */
export function parseServerFlags(args: readonly string[]): ControllerSettings {
  const { values, rest, given } = flags.parse(args);
  const [extra] = rest;
  if (extra !== undefined) throw flags.error(`unexpected argument: ${extra}`);
  if (values.db === "") throw flags.error('invalid value "" for flag -db: it must name a path');
  return {
    ...commonSettings(values, `${values.db}_${values.id}`),
    shards: given.has("shards") ? values.shards : undefined,
  };
}
