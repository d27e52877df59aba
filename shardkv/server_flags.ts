/** The command line of `shardkvserver`. */
import { defineFlags, intFlag, stringFlag } from "../runtime/flags.ts";
import {
  addressesFlag,
  commonFlags,
  commonSettings,
  type ServerSettings,
} from "../server/flags.ts";
import { GID_MAX, isGid } from "../shardctrler/configuration/config_check.ts";
import { VALUE_BYTES_CEILING, VALUE_BYTES_DEFAULT } from "./limits.ts";

/** What one replica was told on its command line. */
export interface ReplicaSettings extends ServerSettings {
  /** The group, 1 or higher. */
  readonly gid: number;
  readonly controllers: readonly string[];
  readonly valueBytesMax: number;
}

const CLUSTER_DEFAULT = "localhost:6001,localhost:6002,localhost:6003";
const CONTROLLERS_DEFAULT = "localhost:50051,localhost:50052,localhost:50053";

const flags = defineFlags("shardkvserver", {
  ...commonFlags,
  gid: intFlag({ default: 0, help: "group id, 1 or higher" }),
  cluster: addressesFlag(CLUSTER_DEFAULT, "addresses of the group, the same on every node"),
  ctrlers: addressesFlag(CONTROLLERS_DEFAULT, "addresses of the controllers"),
  db: stringFlag({ default: "data/shardkv", help: "database `path`; _<gid>_<id> is appended" }),
  maxValueBytes: intFlag({
    default: VALUE_BYTES_DEFAULT,
    min: 1,
    max: VALUE_BYTES_CEILING,
    help: "largest value",
  }),
}, { hasVersion: true });

/**
 * @throws {FlagError} When a flag makes no sense
 * @throws {HelpRequested} At `-h`
 * @throws {VersionRequested} At `-version`
 */
export function parseServerFlags(args: readonly string[]): ReplicaSettings {
  const { values, rest } = flags.parse(args);
  const [extra] = rest;
  if (extra !== undefined) throw flags.error(`unexpected argument: ${extra}`);
  if (!isGid(values.gid)) {
    throw flags.error(
      `invalid value "${values.gid}" for flag -gid: a group needs -gid 1 to ${GID_MAX}`,
    );
  }
  if (values.db === "") throw flags.error('invalid value "" for flag -db: it must name a path');
  return {
    ...commonSettings(values, `${values.db}_${values.gid}_${values.id}`),
    gid: values.gid,
    controllers: values.ctrlers,
    valueBytesMax: values.maxValueBytes,
  };
}
