/** Ports for servers of a test. */

/** Below the range from which the system takes the ports of outgoing connections. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;

/** Returns ports that nobody listens on; chosen at random, so that parallel tests do not meet. */
export function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** A port such that it and those at the given distances above it are free. */
export function freeBasePort(distances: readonly number[]): number {
  for (;;) {
    const base = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (distances.every((distance) => isFree(base + distance))) return base;
  }
}

/** Whether a server could listen at the port now. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
