/** Nodes that lost their disks: what they have promised is forgotten, so they must not take part. */
import { assertEquals } from "@std/assert";
import { readRegister } from "../testing/register_machine.ts";
import { TestGroup } from "../testing/test_group.ts";

const LONG_MS = 30_000;
const NOTHING = { role: "follower", term: 0, leader: 0, lastIndex: 0, applied: 0 } as const;

function stateOf(group: TestGroup, id: number) {
  const { role, term, leader, lastIndex, applied } = group.node(id).status();
  return { role, term, leader, lastIndex, applied };
}

/** A group with a value, whose followers crash; as many as told lose their disks as well. */
async function startWiped(count: number) {
  const group = await TestGroup.start(3);
  await group.write("x=a");
  await group.converge();
  const leader = await group.leader();
  const wiped = group.ids.filter((id) => id !== leader).slice(0, count);
  await group.crash(...wiped);
  for (const id of wiped) group.wipe(id);
  for (const id of wiped) await group.restart(id);
  return { group, leader, wiped };
}

Deno.test("a node on a wiped disk waits although it hears from every peer", async () => {
  const { group, wiped } = await startWiped(1);
  await group.clock.advance(LONG_MS);
  for (const id of wiped) assertEquals(stateOf(group, id), NOTHING);
  assertEquals(await group.write("x=b"), "ab");
  assertEquals(group.failures, []);
  await group.stop();
});

Deno.test("a majority on wiped disks begins no group of its own beside the one that remembers", async () => {
  const { group, leader, wiped } = await startWiped(2);
  await group.clock.advance(LONG_MS);
  for (const id of wiped) assertEquals(stateOf(group, id), NOTHING);
  assertEquals(await readRegister(group.node(leader).reader, "x"), "a");
  assertEquals(group.failures, []);
  await group.stop();
});

Deno.test("a new group begins although its nodes crash while they meet", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const group = TestGroup.create(3, seed);
    for (const id of group.ids) {
      for (const running of group.ids.filter((other) => group.isRunning(other))) {
        await group.crash(running);
        await group.restart(running);
      }
      await group.restart(id);
      await group.clock.advance(20 * seed);
    }
    assertEquals(await group.write("x=a"), "a");
    assertEquals(group.failures, []);
    await group.stop();
  }
});
