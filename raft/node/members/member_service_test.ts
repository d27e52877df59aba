import { assertEquals } from "@std/assert";
import { TestGroup } from "../testing/test_group.ts";
import { MemberService } from "./member_service.ts";

Deno.test("MemberService.change() answers once the removed member and the leader may end together", async () => {
  const group = await TestGroup.start(4);
  await group.write("x=a");
  await group.converge();
  const leader = await group.leader();
  const [removed = 0, ...rest] = group.ids.filter((id) => id !== leader);
  await group.crash(removed);
  const service = new MemberService(group.node(leader));
  const answered = service.change({ $case: "remove", value: { id: removed } });
  // At the moment of the answer, before another message leaves: two of the three that vote are left.
  await group.clock.resolve(answered.then(() => group.powerOff(leader)), 10_000);

  const heir = () => rest.find((id) => group.node(id).status().role === "leader");
  await group.clock.advanceUntil(() => heir() !== undefined, 20_000);
  const reply = group.node(heir() ?? 0).propose(Buffer.from("x=b"));
  assertEquals(String(await group.clock.resolve(reply, 10_000)), "ab");
  assertEquals(group.failures, []);
  await group.stop();
});
