/** What `deno task cluster` can be told, and what of it makes sense. */
import { boolFlag, defineFlags, intFlag, stringFlag } from "../../runtime/flags.ts";
import { SHARDS_DEFAULT, SHARDS_MAX } from "../../shardctrler/configuration/config.ts";

export interface DashboardPort {
  readonly port: number;
  /** Somebody asked for this very port; otherwise any will do. */
  readonly isChosen: boolean;
}

export interface ClusterOptions {
  /** Number of shard groups. */
  readonly groups: number;
  /** Replicas of each group. */
  readonly replicas: number;
  /** Number of shards; fixed at the first start. */
  readonly shards: number;
  /** Port of controller 0; the others follow. */
  readonly ctrlerPort: number;
  /** Port of replica 0 of the first group; the next group begins {@linkcode GROUP_PORT_STEP} higher. */
  readonly groupPort: number;
  /** Directory of all data; undefined for a temporary one that is removed at the end. */
  readonly db: string | undefined;
  /** Where the dashboard is to be; undefined for none. */
  readonly dashboard: DashboardPort | undefined;
  /** Keeps the logs of the nodes to itself. */
  readonly quiet: boolean;
}

/** Controllers of every cluster: the least that survives the loss of one. */
export const CONTROLLERS = 3;
/** First group id, as in eRaft's examples. */
export const FIRST_GID = 100;
/** Distance between the ports of one group and the next, as in eRaft's examples. */
export const GROUP_PORT_STEP = 1000;

/** Groups on one machine: every replica is a process of some 90 MB. */
const GROUPS_MAX = 16;
/** More replicas cost latency and add little safety. */
const REPLICAS_MAX = 7;
const PORT_MAX = 65_535;

const flags = defineFlags("cluster", {
  groups: intFlag({ default: 2, min: 1, max: GROUPS_MAX, help: "`number` of shard groups" }),
  replicas: intFlag({
    default: 3,
    min: 1,
    max: REPLICAS_MAX,
    help: "`number` of replicas a group",
  }),
  shards: intFlag({
    default: SHARDS_DEFAULT,
    min: 1,
    max: SHARDS_MAX,
    help: "`number` of shards; fixed at the first start",
  }),
  ctrlerPort: intFlag({
    default: 50_051,
    min: 1,
    max: PORT_MAX,
    help: "`port` of the first controller; the others follow",
  }),
  groupPort: intFlag({
    default: 6001,
    min: 1,
    max: PORT_MAX,
    help: `first \`port\` of the first group; the next group begins ${GROUP_PORT_STEP} higher`,
  }),
  dashboard: boolFlag({ default: true, help: "start the dashboard too" }),
  dashboardPort: intFlag({
    default: 8080,
    min: 1,
    max: PORT_MAX,
    help: "`port` of the dashboard; if it is not given and taken, a free one is used",
  }),
  db: stringFlag({ default: "data", help: "`directory` of the data" }),
  ephemeral: boolFlag({ help: "keep the data in a temporary directory, removed at the end" }),
  quiet: boolFlag({ help: "do not follow the logs of the nodes" }),
});

/**
 * Reads the command line.
 *
 * @throws {FlagError} When a flag is unknown or its value makes no sense
 * @throws {HelpRequested} When help was asked for
 */
export function parseClusterOptions(args: readonly string[]): ClusterOptions {
  const { values, rest, given } = flags.parse(args);
  if (rest[0] !== undefined) {
    throw flags.error(`Cannot use argument '${rest[0]}': cluster takes only flags`);
  }
  if (values.ephemeral && given.has("db")) {
    throw flags.error("Cannot use -db and -ephemeral together: choose one");
  }
  if (values.db === "") throw flags.error("Cannot use -db '': it must name a directory");
  if (!values.dashboard && given.has("dashboardPort")) {
    throw flags.error("Cannot use -dashboard=false and -dashboard-port together: choose one");
  }
  const { ephemeral, db, dashboard, dashboardPort: port, ...others } = values;
  const options = {
    ...others,
    dashboard: dashboard ? { port, isChosen: given.has("dashboardPort") } : undefined,
    db: ephemeral ? undefined : db,
  };
  checkPorts(options);
  return options;
}

/** Every port must exist and belong to one node only. */
function checkPorts(options: ClusterOptions): void {
  const owners = new Map<number, string>();
  const claim = (port: number, flag: string) => {
    if (port > PORT_MAX) {
      throw flags.error(`Cannot use these ports: ${flag} leads to ${port}, above ${PORT_MAX}`);
    }
    const owner = owners.get(port);
    if (owner !== undefined) {
      throw flags.error(`Cannot use these ports: both ${owner} and ${flag} lead to ${port}`);
    }
    owners.set(port, flag);
  };
  for (let id = 0; id < CONTROLLERS; id++) claim(options.ctrlerPort + id, "-ctrler-port");
  for (let group = 0; group < options.groups; group++) {
    for (let id = 0; id < options.replicas; id++) {
      claim(options.groupPort + group * GROUP_PORT_STEP + id, "-group-port");
    }
  }
  const { dashboard } = options;
  if (dashboard?.isChosen) claim(dashboard.port, "-dashboard-port");
}
