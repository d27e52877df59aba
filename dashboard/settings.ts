/** The command line of `dashboard-server`. */
import { parseAddressList } from "../rpc/address.ts";
import { defineFlags, durationFlag, intFlag, stringFlag, valueFlag } from "../runtime/flags.ts";
import { processFlags, type ProcessSettings } from "../runtime/process_flags.ts";

export interface DashboardSettings extends ProcessSettings {
  /** 0: the system chooses one. */
  readonly port: number;
  /** Host name or IP address. */
  readonly listen: string;
  readonly controllers: readonly string[];
  readonly updateIntervalMs: number;
  /** Given on the command line; undefined: see {@linkcode adminTokenFile}. */
  readonly adminToken: string | undefined;
  /** File that holds the token; undefined: nobody may change anything. */
  readonly adminTokenFile: string | undefined;
  /** `-shard-groups` was given, which eRaft's pages show and nothing needs. */
  readonly namesGroups: boolean;
}

const PORT_MAX = 65_535;
/** Shorter tokens can be guessed. */
const TOKEN_CHARS_MIN = 12;

const flags = defineFlags("dashboard-server", {
  port: intFlag({ default: 8080, min: 0, max: PORT_MAX, help: "`port` of the dashboard" }),
  listen: stringFlag({
    default: "127.0.0.1",
    help: "`host` to listen at; anything but this machine itself lets others read all keys",
  }),
  configAddrs: valueFlag<readonly string[]>({
    default: [],
    placeholder: "addresses",
    help: "addresses of the controllers (required)",
    parse: parseAddressList,
  }),
  updateInterval: durationFlag({
    default: 5_000,
    min: 200,
    max: 3_600_000,
    help: "time between two looks at all figures; failures show within seconds whatever it is",
  }),
  adminToken: stringFlag({
    default: "",
    help: "`word` that lets whoever knows it change the cluster; without it nobody can",
  }),
  adminTokenFile: stringFlag({ default: "", help: "`file` that holds the admin token" }),
  shardGroups: stringFlag({ default: "", help: "ignored: the controllers know the groups" }),
  ...processFlags,
}, { hasVersion: true });

/**
 * @throws {FlagError} When a flag makes no sense
 * @throws {HelpRequested} At `-h`
 * @throws {VersionRequested} At `-version`
 */
export function parseSettings(args: readonly string[]): DashboardSettings {
  const { values, rest, given } = flags.parse(args);
  const [extra] = rest;
  if (extra !== undefined) throw flags.error(`unexpected argument: ${extra}`);
  if (values.configAddrs.length === 0) {
    throw flags.error('flag -config-addrs is required: -config-addrs "host:port,host:port"');
  }
  if (given.has("adminToken") && given.has("adminTokenFile")) {
    throw flags.error("flags -admin-token and -admin-token-file exclude each other");
  }
  const problem = given.has("adminToken") ? tokenProblem(values.adminToken) : undefined;
  if (problem !== undefined) throw flags.error(`invalid value for flag -admin-token: ${problem}`);
  if (values.listen === "") {
    throw flags.error('invalid value "" for flag -listen: it must name a host');
  }
  return {
    port: values.port,
    listen: values.listen.replace(/^\[(.*)\]$/, "$1"),
    controllers: values.configAddrs,
    updateIntervalMs: values.updateInterval,
    adminToken: given.has("adminToken") ? values.adminToken : undefined,
    adminTokenFile: values.adminTokenFile === "" ? undefined : values.adminTokenFile,
    namesGroups: given.has("shardGroups"),
    logLevel: values.logLevel,
    logFormat: values.logFormat,
    exitWithParent: values.exitWithParent,
  };
}

/** What is wrong with a token; undefined if nothing is. The token itself is never told. */
export function tokenProblem(token: string): string | undefined {
  if (token.length < TOKEN_CHARS_MIN) return `it must have ${TOKEN_CHARS_MIN} characters or more`;
  // It travels in a header.
  return /^[\x21-\x7e]+$/.test(token) ? undefined : "it must be of visible ASCII characters";
}
