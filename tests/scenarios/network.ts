/** The networks the scenarios run on. */
import type { MemoryNetwork } from "../../rpc/memory/memory_network.ts";
import type { MessageDelay } from "../../shardctrler/testing/controller_cluster.ts";

/** Milliseconds until a connection that lost a message counts as broken, so that a loss costs little more than a retry. */
export const KEEPALIVE_MS = 100;

/** A local network: every message arrives, within 1 to 3 ms. */
export const goodNetwork: MessageDelay = (prng) => 1 + prng.below(3);

/** The labs' unreliable network: 0 to 26 ms, and one message in ten is lost on the way there or back. */
export const badNetwork: MessageDelay = (prng) => prng.below(10) === 0 ? Infinity : prng.below(27);

/** Lets the addresses of each side talk among themselves only; whoever is on no side reaches all. */
export function partition(network: MemoryNetwork, sides: readonly (readonly string[])[]): void {
  for (const [index, side] of sides.entries()) {
    for (const other of sides.slice(index + 1)) {
      for (const a of side) {
        for (const b of other) {
          network.cut(a, b);
          network.cut(b, a);
        }
      }
    }
  }
}
