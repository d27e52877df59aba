/** Three etcd servers on this machine, from the Debian package etcd-server. */
import { freePorts } from "../../tests/e2e/free_ports.ts";
import { deadline, until } from "../cluster/deadline.ts";
import { readLines } from "../cluster/read_lines.ts";
import { kill } from "./kill.ts";

const MEMBERS = 3;
const READY_TIMEOUT_MS = 60_000;
const GRACE_MS = 10_000;
/** Lines kept to explain a member that ended. */
const LAST_LINES_MAX = 20;

interface Member {
  readonly address: string;
  readonly child: Deno.ChildProcess;
  readonly ended: Promise<unknown>;
  readonly lastLines: string[];
}

/** What a member answers to `/v3/maintenance/status`; numbers come as text. */
interface EtcdStatus {
  readonly header: { readonly "member_id": string };
  readonly version: string;
  readonly leader: string;
}

/** etcd cannot be started. */
export class EtcdError extends Error {
  override readonly name = "EtcdError";
}

export class EtcdProcesses implements AsyncDisposable {
  readonly #members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /**
   * Starts a new cluster with its data under `directory`.
   *
   * @throws {EtcdError} When etcd is not on PATH, or does not come up
   */
  static async start(directory: string): Promise<EtcdProcesses> {
    const ports = freePorts(2 * MEMBERS);
    const places = Array.from({ length: MEMBERS }, (_, id) => ({
      name: `etcd${id}`,
      address: `127.0.0.1:${ports[2 * id]}`,
      peerUrl: `http://127.0.0.1:${ports[2 * id + 1]}`,
    }));
    const cluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
    const etcd = new EtcdProcesses(
      places.map((place) => startMember({ ...place, cluster, directory })),
    );
    try {
      await etcd.leader();
      return etcd;
    } catch (error) {
      await etcd[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pids(): number[] {
    return this.#members.map(({ child }) => child.pid);
  }

  /** Waits until there is a leader. */
  async leader(): Promise<{ readonly address: string; readonly version: string }> {
    const said = () => this.#members.flatMap(({ lastLines }) => lastLines).join("\n");
    return await until(
      () => `etcd has no leader; it said:\n${said()}`,
      READY_TIMEOUT_MS,
      async () => {
        for (const { address } of this.#members) {
          const status = await statusOf(address);
          if (status?.leader === status?.header["member_id"] && status?.version !== undefined) {
            return { address, version: status.version };
          }
        }
        return undefined;
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map(async ({ child, ended }) => {
      kill(child, "SIGTERM");
      const isGone = await deadline(ended.then(() => true), GRACE_MS, false);
      if (!isGone) kill(child, "SIGKILL");
      await ended;
    }));
  }
}

interface MemberPlan {
  readonly name: string;
  readonly address: string;
  readonly peerUrl: string;
  readonly cluster: string;
  readonly directory: string;
}

/** All settings but names, places and the amount of talk are etcd's defaults. */
function startMember({ name, address, peerUrl, cluster, directory }: MemberPlan): Member {
  const settings = {
    "name": name,
    "data-dir": `${directory}/${name}`,
    "listen-client-urls": `http://${address}`,
    "advertise-client-urls": `http://${address}`,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": cluster,
    "initial-cluster-state": "new",
    "logger": "zap",
    "log-level": "error",
  };
  const args = Object.entries(settings).map(([flag, value]) => `--${flag}=${value}`);
  const lastLines: string[] = [];
  const child = spawn(args);
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of readLines(stream)) {
      lastLines.push(line);
      if (lastLines.length > LAST_LINES_MAX) lastLines.shift();
    }
  };
  const ended = Promise.all([child.status, follow(child.stdout), follow(child.stderr)]);
  return { address, child, ended, lastLines };
}

function spawn(args: string[]): Deno.ChildProcess {
  try {
    const options = { args, stdin: "null", stdout: "piped", stderr: "piped" } as const;
    return new Deno.Command("etcd", options).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new EtcdError("Cannot find etcd: it comes with the Debian package etcd-server", {
      cause: error,
    });
  }
}

async function statusOf(address: string): Promise<EtcdStatus | undefined> {
  try {
    const url = `http://${address}/v3/maintenance/status`;
    const response = await fetch(url, { method: "POST", body: "{}" });
    const text = await response.text();
    return response.ok ? JSON.parse(text) as EtcdStatus : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
