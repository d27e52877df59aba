/** eRaft's quick start, typed by a machine. */
import { assertEquals } from "@std/assert";
import type { ClusterState } from "../../dashboard/api.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { NodeProcess } from "../../tasks/cluster/node_process.ts";
import type { ExecutablesFolder } from "./executables_folder.ts";
import { isFree } from "./free_ports.ts";

const COMMANDS_FILE = `${import.meta.dirname}/testdata/quick_start.txt`;
const READY_TIMEOUT_MS = 90_000;
/** Another run of the same commands may be using the ports. */
const PORTS_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 15_000;

export interface ReadmeRun {
  /** What each command printed, in order; servers aside. */
  readonly outputs: readonly string[];
  /** The line each server said that it listens with. */
  readonly startupLines: readonly string[];
  /** What the dashboard says of the cluster once it has seen it whole. */
  readonly dashboard: ClusterState;
  /** How the servers ended when they were told to. */
  readonly stopCodes: readonly number[];
}

/** Runs the README's commands in the folder: servers in terminals of their own, the rest one by one. */
export async function runReadme(folder: ExecutablesFolder): Promise<ReadmeRun> {
  const lines = (await Deno.readTextFile(COMMANDS_FILE)).split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const isServer = (line: string) => /^\S+server /.test(line);
  await portsAreFree(lines.filter(isServer));
  const startupLines: string[] = [];
  const onLine = (line: string) => {
    if (line.includes(" listening on ")) startupLines.push(line);
  };
  const servers: NodeProcess[] = [];
  const outputs: string[] = [];
  const allReady = () => Promise.all(servers.map((server) => server.ready(READY_TIMEOUT_MS)));
  let dashboard: ClusterState;
  try {
    for (const line of lines) {
      const { directory: cwd } = folder;
      if (isServer(line)) {
        const args = folder.args(line);
        servers.push(new NodeProcess({ label: line, command: "/usr/bin/env", args, cwd, onLine }));
        continue;
      }
      await allReady();
      const { code, stdout, stderr } = await folder.run(line);
      assertEquals([code, stderr], [0, ""], line);
      outputs.push(stdout);
    }
    await allReady();
    dashboard = await healthyState();
    await Promise.all(servers.map((server) => server.stop(STOP_TIMEOUT_MS)));
  } finally {
    await Promise.all(servers.map((server) => server.stop(0)));
  }
  const stopCodes = (await Promise.all(servers.map(({ ended }) => ended))).map(({ code }) => code);
  return { outputs, startupLines, dashboard, stopCodes };
}

/** Where the README's last command has the dashboard. */
async function healthyState(): Promise<ClusterState> {
  return await until(
    "the dashboard has seen no cluster that is well",
    READY_TIMEOUT_MS,
    async () => {
      const response = await fetch("http://localhost:8080/api/v1/state");
      const state: Partial<ClusterState> = await response.json();
      return state.overview?.health === "ok" ? state as ClusterState : undefined;
    },
  );
}

/** The README names the ports: there are no others to go to. */
async function portsAreFree(servers: readonly string[]): Promise<void> {
  const ports = new Set(servers.flatMap((line) => {
    const [, members = line] = /-cluster "([^"]+)"/.exec(line) ?? [];
    return [...members.matchAll(/(?:\w:|-port=)(\d+)/g)].map(([, port]) => Number(port));
  }));
  let taken: number[] = [];
  const what = () => `port ${taken.join(", ")} is taken, and eRaft's README needs it`;
  await until(what, PORTS_TIMEOUT_MS, () => {
    taken = [...ports].filter((port) => !isFree(port));
    return taken.length === 0 ? true : undefined;
  }, 500);
}
