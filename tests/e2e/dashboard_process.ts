/** The dashboard's server as its own process, for tests. */
import { assert, assertEquals } from "@std/assert";
import type { ClusterState } from "../../dashboard/api.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { NodeProcess } from "../../tasks/cluster/node_process.ts";
import { planDashboard } from "../../tasks/cluster/plan.ts";
import { processArgs } from "../../tasks/cluster/server_command.ts";
import type { TestCluster } from "./cluster_harness.ts";

/** Busy machines take their time. */
const TIMEOUT_MS = 60_000;

/** A running `dashboard-server`. */
export class Dashboard implements AsyncDisposable {
  readonly process: NodeProcess;

  constructor(cluster: TestCluster, flags: readonly string[] = [], port = 0) {
    const plan = planDashboard(cluster.plan.controllers, port);
    this.process = new NodeProcess({
      label: plan.label,
      args: [...processArgs(plan, ""), ...flags],
    });
  }

  /** Starts it and waits until it has seen a cluster that is well. */
  static async start(cluster: TestCluster, ...flags: string[]): Promise<Dashboard> {
    const dashboard = new Dashboard(cluster, flags);
    await dashboard.process.ready(TIMEOUT_MS);
    await until("the dashboard has seen no cluster that is well", TIMEOUT_MS, async () => {
      const response = await fetch(`${dashboard.url}/api/v1/state`);
      const state: Partial<ClusterState> = await response.json();
      return state.overview?.health === "ok" || undefined;
    });
    assertEquals(await (await fetch(`${dashboard.url}/readyz`)).text(), "ready\n");
    return dashboard;
  }

  /** Where it listens. */
  get url(): string {
    const [, url] = /Dashboard listening on (http:\S+)/.exec(this.process.lastLines.join("\n")) ??
      [];
    assert(url !== undefined, "It says where it listens");
    return url;
  }

  async json<Value>(path: string): Promise<Value> {
    return await (await fetch(`${this.url}${path}`)).json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop(TIMEOUT_MS);
  }
}
