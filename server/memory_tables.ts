/**
 * Bytes that a server's engine gathers in memory before it writes them to disk as a
 * table.
 *
 * Replicas write the same data. If their memory tables were of one size, all would
 * be full, written out and merged at the same moment, and no majority would be
 * quick then.
 */

/** By position in the group, around the engine's default. */
const MIB_BY_POSITION = [28, 32, 36] as const;

/**
 * Bytes of a memory table.
 *
 * @param position The server's number among its group's or the controllers', from 0
 */
export function memoryTableBytes(position: number): number {
  return (MIB_BY_POSITION[position % MIB_BY_POSITION.length] ?? 32) * 1024 * 1024;
}
