import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { ReplicaChoice } from "./replica_choice.ts";

Deno.test("ReplicaChoice goes to the leader it is told of, else to the next", () => {
  const choice = new ReplicaChoice(["a", "b", "c"], new VirtualClock());
  assertEquals(choice.address, "a");
  choice.notLeader("a", "c");
  assertEquals(choice.address, "c");
  choice.notLeader("c", undefined);
  assertEquals(choice.address, "a");
  choice.notLeader("a", "elsewhere");
  assertEquals(choice.address, "b");
  choice.notLeader("b", "b");
  assertEquals(choice.address, "c");
});

Deno.test("ReplicaChoice does not follow a hint to a replica that just failed", async () => {
  const clock = new VirtualClock();
  const choice = new ReplicaChoice(["a", "b", "c"], clock);
  choice.silent("a");
  assertEquals(choice.address, "b");
  choice.notLeader("b", "a");
  assertEquals(choice.address, "c");
  choice.notLeader("c", "a");
  assertEquals(choice.address, "b");
  await clock.advance(3_000);
  choice.notLeader("b", "a");
  assertEquals(choice.address, "a");
});

Deno.test("ReplicaChoice asks the replica that failed first if all have failed", () => {
  const choice = new ReplicaChoice(["a", "b", "c"], new VirtualClock());
  choice.unreachable("a");
  choice.silent("b");
  choice.silent("c");
  assertEquals(choice.address, "a");
});

Deno.test("ReplicaChoice ignores news of a replica it has left already", () => {
  const choice = new ReplicaChoice(["a", "b", "c"], new VirtualClock());
  choice.succeeded("c");
  choice.unreachable("a");
  assertEquals(choice.address, "c");
});

Deno.test("ReplicaChoice.replace() stays with a replica that remains", () => {
  const choice = new ReplicaChoice(["a", "b", "c"], new VirtualClock());
  choice.succeeded("c");
  choice.replace(["x", "c"]);
  assertEquals(choice.address, "c");
  choice.replace(["x", "y"]);
  assertEquals(choice.address, "x");
});
