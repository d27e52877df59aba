/** All server processes of a cluster, as one thing to start and stop. */
import { NodeProcess } from "./node_process.ts";
import { allNodes, type ClusterPlan, type NodePlan } from "./plan.ts";
import { processArgs } from "./server_command.ts";

/** A cold start compiles nothing but may share two cores with eight others. */
const READY_TIMEOUT_MS = 60_000;

export interface ClusterProcessesOptions {
  /** Absolute path of the data. */
  readonly db: string;
  readonly onLine?: (label: string, line: string) => void;
  /** Called when a node that was up ends although nobody asked it to. */
  readonly onDeath?: (node: NodeProcess, status: Deno.CommandStatus) => void;
}

export class ClusterProcesses {
  readonly plan: ClusterPlan;
  #options: ClusterProcessesOptions;
  #running = new Map<string, NodeProcess>();
  #stopping = new Set<NodeProcess>();

  /** Starts nothing yet. */
  constructor(plan: ClusterPlan, options: ClusterProcessesOptions) {
    this.plan = plan;
    this.#options = options;
  }

  /** The nodes that run now. */
  get processes(): NodeProcess[] {
    return [...this.#running.values()];
  }

  /** The process of a node, by its label; undefined if it does not run. */
  process(label: string): NodeProcess | undefined {
    return this.#running.get(label);
  }

  /**
   * Starts nodes side by side and waits until all of them listen.
   *
   * @throws {NotReadyError} When one does not
   */
  async start(nodes: readonly NodePlan[] = allNodes(this.plan)): Promise<void> {
    const started = nodes.map((node) => this.#spawn(node));
    await Promise.all(started.map((node) => node.ready(READY_TIMEOUT_MS)));
  }

  /** Kills nodes without a word, as a crash would, and waits until they are gone. */
  async crash(labels: readonly string[]): Promise<void> {
    const nodes = labels.flatMap((label) => this.#running.get(label) ?? []);
    for (const node of nodes) {
      this.#stopping.add(node);
      node.kill("SIGKILL");
    }
    await Promise.all(nodes.map((node) => node.ended));
  }

  /**
   * Stops nodes in order.
   *
   * @param graceMs Time to go by themselves; after it they are killed
   * @param labels Which ones. @default {all}
   * @returns Labels of those that had to be killed
   */
  async stop(graceMs: number, labels?: readonly string[]): Promise<string[]> {
    const nodes = this.processes.filter(({ label }) => labels?.includes(label) ?? true);
    for (const node of nodes) this.#stopping.add(node);
    const graceful = await Promise.all(nodes.map((node) => node.stop(graceMs)));
    return nodes.filter((_, index) => graceful[index] === false).map((node) => node.label);
  }

  #spawn(plan: NodePlan): NodeProcess {
    const { db, onLine, onDeath } = this.#options;
    const node = new NodeProcess({
      label: plan.label,
      args: processArgs(plan, db),
      onLine: (line) => onLine?.(plan.label, line),
    });
    this.#running.set(plan.label, node);
    node.ended.then((status) => {
      if (this.#running.get(plan.label) === node) this.#running.delete(plan.label);
      if (!this.#stopping.delete(node) && node.wasReady) onDeath?.(node, status);
    });
    return node;
  }
}
