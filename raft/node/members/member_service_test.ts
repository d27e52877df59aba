import { assert, assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../../../rpc/errors.ts";
import { setFailpoint } from "../../../runtime/failpoint.ts";
import { isJoint } from "../../membership/membership.ts";
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

Deno.test("MemberService.change() answers once the one that stays knows that it is alone, after a crash too", async () => {
  const group = await TestGroup.start(2);
  await group.write("x=a");
  const leader = await group.leader();
  const [removed = 0] = group.ids.filter((id) => id !== leader);
  const isOver = () => {
    const { conf } = group.node(leader).roster;
    return !isJoint(conf) && conf.voters.length === 1;
  };
  const written = Promise.withResolvers<void>();
  using _ = setFailpoint("raft/beforeApply", () => isOver() ? written.promise : undefined);
  let isAnswered = false;
  const service = new MemberService(group.node(leader));
  const answer = service.change({ $case: "remove", value: { id: removed } })
    .then(() => isAnswered = true);
  await group.clock.advanceUntil(isOver, 10_000);
  await group.clock.advance(100);
  assertEquals(isAnswered, false, "The end of the change is not on the leader's disk");
  written.resolve();
  await group.clock.resolve(answer, 10_000);

  await group.crash(leader, removed);
  await group.restart(leader);
  await group.clock.advanceUntil(() => group.node(leader).status().role === "leader", 10_000);
  const reply = group.node(leader).propose(Buffer.from("x=b"));
  assertEquals(String(await group.clock.resolve(reply, 10_000)), "ab");
  assertEquals(group.failures, []);
  await group.stop();
});

Deno.test("MemberService.change() does not wait for the end of a change behind the loss of leadership", async () => {
  const group = await TestGroup.start(4);
  await group.write("x=a");
  const leader = await group.leader();
  const [removed = 0] = group.ids.filter((id) => id !== leader);
  // Nobody hears of the end of the change, which the leader is about to propose.
  using _ = setFailpoint("raft/afterConfChange", () => void group.isolate(leader));
  const service = new MemberService(group.node(leader));
  const answer = service.change({ $case: "remove", value: { id: removed } });
  const outcome = assertRejects(() => answer, KvError);
  const { code } = await group.clock.resolve(outcome, 20_000);
  assertEquals(code, "LEADERSHIP_LOST");
  assert(isJoint(group.node(leader).roster.conf));
  assertEquals(group.failures, []);
  await group.stop();
});

Deno.test("MemberService.change() adds nobody with what is no address, or too long for one", async () => {
  const group = await TestGroup.start(1);
  await group.leader();
  const service = new MemberService(group.node(1));
  const refusalOf = async (address: string) => {
    const asked = assertRejects(
      () => service.change({ $case: "add", value: { address } }),
      KvError,
    );
    const { code, message } = await group.clock.resolve(asked, 10_000);
    return [code, message];
  };
  const { lastIndex } = group.node(1).status();
  assertEquals(await refusalOf("nowhere"), [
    "INVALID_ARGUMENT",
    'Cannot add a member with address "nowhere": it must be host:port, like localhost:50051',
  ]);
  // What IPv6 has behind a percent sign may be of any length.
  assertEquals(await refusalOf(`[fe80::1%${"x".repeat(4 << 20)}]:1`), [
    "INVALID_ARGUMENT",
    "Cannot add [fe80::1%xxxxxxxxxxx...: the address has 4194316 characters, " +
    "at most 259 are allowed",
  ]);
  assertEquals(group.node(1).status().lastIndex, lastIndex);
  await group.stop();
});
