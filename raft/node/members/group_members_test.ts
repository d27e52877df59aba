import { assertEquals } from "@std/assert";
import { setFailpoint } from "../../../runtime/failpoint.ts";
import { isJoint } from "../../membership.ts";
import { readRegister } from "../testing/register_machine.ts";
import { TestGroup } from "../testing/test_group.ts";

const WAIT_MS = 10_000;

Deno.test("a removal is complete once the leader knows of it after a crash, and could go on alone", async () => {
  const group = await TestGroup.start(2);
  await group.write("x=a");
  const leader = await group.leader();
  const removed = leader === 1 ? 2 : 1;
  const isOver = () => {
    const { conf } = group.node(leader).roster;
    return !isJoint(conf) && conf.voters.length === 1;
  };
  const written = Promise.withResolvers<void>();
  using _ = setFailpoint("raft/beforeApply", () => isOver() ? written.promise : undefined);
  let isAnswered = false;
  const answer = group.node(leader).changeMembers([{ type: "remove", id: removed }])
    .then(() => isAnswered = true);
  await group.clock.advanceUntil(isOver, WAIT_MS);
  await group.clock.advance(100);
  assertEquals(isAnswered, false, "It is not on the leader's disk");
  written.resolve();
  await group.clock.resolve(answer, WAIT_MS);
  // Whoever was removed may be switched off for good now.
  await group.crash(leader, removed);
  await group.restart(leader);
  await group.clock.advanceUntil(() => group.node(leader).status().role === "leader", WAIT_MS);
  await group.clock.resolve(group.node(leader).propose(Buffer.from("x=b")), WAIT_MS);
  assertEquals(await readRegister(group.node(leader).reader, "x"), "ab");
  assertEquals(group.failures, []);
  await group.stop();
});
