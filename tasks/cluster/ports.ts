/** Whether the ports that a cluster wants are free. */
import type { DashboardPort } from "./options.ts";
import type { ClusterPlan } from "./plan.ts";

/** A port is taken by another program. */
export class PortError extends Error {
  override readonly name = "PortError";
}

/**
 * Tries to listen on every address of the plan.
 *
 * @throws {PortError} Naming the first port in use and the flag that moves it
 */
export function checkPorts(plan: ClusterPlan): void {
  for (const node of plan.controllers) checkPort(node.address, "-ctrler-port");
  for (const { nodes } of plan.groups) {
    for (const node of nodes) checkPort(node.address, "-group-port");
  }
}

/**
 * The port itself if nobody listens on it, else another one that is free.
 *
 * @throws {PortError} When it was chosen and is taken
 */
export function dashboardPort({ port, isChosen }: DashboardPort): number {
  if (isChosen) checkPort(`127.0.0.1:${port}`, "-dashboard-port");
  for (const candidate of [port, 0]) {
    try {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: candidate });
      return listener.addr.port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return port;
}

function checkPort(address: string, flag: string): void {
  const [hostname = "", port = ""] = address.split(":");
  try {
    Deno.listen({ hostname, port: Number(port) }).close();
  } catch (cause) {
    const why = cause instanceof Deno.errors.AddrInUse ? "it is in use" : String(cause);
    throw new PortError(
      `Cannot listen on port ${port}: ${why}; stop what uses it, or choose others with ${flag}`,
      { cause },
    );
  }
}
