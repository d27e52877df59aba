/** What the replicas of a group have stored, compared byte by byte. */
import { assertEquals } from "@std/assert";
import type { MachineReader } from "../apply/state_machine.ts";
import { readRegister } from "./register_machine.ts";
import type { TestGroup } from "./test_group.ts";

/** Every key and value of the machine as one replica has applied it. */
export async function contentOf(reader: MachineReader): Promise<string[]> {
  const pairs = await reader.scan(Buffer.of(), Buffer.of(0xff));
  return pairs.map(({ key, value }) => `${key.toString("latin1")}=${value.toString("latin1")}`);
}

/**
 * Compares all replicas, in their engines and in the memory of their machines.
 *
 * @returns Register x, which is the same everywhere
 */
export async function assertReplicasEqual(group: TestGroup): Promise<string> {
  const [first = 0, ...others] = group.ids;
  const content = await contentOf(group.node(first).reader);
  for (const id of others) {
    assertEquals(await contentOf(group.node(id).reader), content, `Replica ${id} differs`);
    assertEquals(group.machine(id).count, group.machine(first).count, `Replica ${id} differs`);
  }
  return await readRegister(group.node(first).reader, "x");
}
