import { assertEquals } from "@std/assert";
import type { MemberState } from "../client/member_clerk.ts";
import { KvError } from "../rpc/errors.ts";
import { NodeDirectory } from "./node_directory.ts";
import { answer, counts } from "./state/state_testing.ts";
import { TrackedNode } from "./tracked_node.ts";

function member(id: number, address: string, role: MemberState["role"] = "Follower"): MemberState {
  return { id, address, role, lag: 0, active: true };
}

function setUp() {
  const forgotten: string[] = [];
  return {
    forgotten,
    directory: new NodeDirectory({ onForgotten: (address) => forgotten.push(address) }),
  };
}

function seats(gid: number, ...addresses: string[]) {
  return addresses.map((address, position) => ({ gid, address, position }));
}

/** As after a look at which nobody new has answered. */
function shown(directory: NodeDirectory): string[] {
  const nobody = new KvError("UNAVAILABLE", "Nobody is there");
  for (const node of directory.nodes) {
    if (!node.wasAsked) node.failed(nobody);
  }
  return directory.observe().map(({ gid, id, address, isLearner }) =>
    `${gid}-${id} ${address}${isLearner ? " learns" : ""}`
  );
}

Deno.test("NodeDirectory names servers by their own ids, and those that say nothing by numbers that are free", () => {
  const { directory: it } = setUp();
  it.list(seats(1, "a:1", "b:1", "c:1"));
  assertEquals(shown(it), ["1-0 a:1", "1-1 b:1", "1-2 c:1"]);
  // Member 1 was replaced by member 3, which is listed in its place.
  it.nodes[1]?.answered(answer(3), 0);
  it.nodes[2]?.answered(answer(2), 0);
  assertEquals(shown(it).sort(), ["1-0 a:1", "1-2 c:1", "1-3 b:1"]);
  it.nodes[2]?.answered(answer(0), 0);
  assertEquals(shown(it).sort(), ["1-0 c:1", "1-1 a:1", "1-3 b:1"]);
});

Deno.test("NodeDirectory shows nobody as down who was not asked yet", () => {
  const { directory: it } = setUp();
  it.list(seats(1, "a:1"));
  assertEquals(it.observe(), []);
  it.nodes[0]?.answered(answer(0), 0);
  it.list(seats(1, "a:1", "b:1"));
  assertEquals(it.observe().map(({ address }) => address), ["a:1"]);
});

Deno.test("NodeDirectory asks members too that are listed nowhere, until they are members no more", () => {
  const { directory: it, forgotten } = setUp();
  it.list(seats(0, "a:1", "b:1"));
  it.takeMembers(0, [member(0, "a:1"), member(1, "b:1"), member(2, "d:1", "Learner")]);
  assertEquals(shown(it), ["0-0 a:1", "0-1 b:1", "0-2 d:1 learns"]);
  it.takeMembers(0, [member(0, "a:1"), member(1, "b:1")]);
  assertEquals(shown(it), ["0-0 a:1", "0-1 b:1"]);
  assertEquals(forgotten, ["d:1"]);
});

Deno.test("NodeDirectory counts a server once that goes by two names", () => {
  const { directory: it } = setUp();
  it.list(seats(1, "localhost:1", "localhost:2"));
  it.nodes[0]?.answered(answer(0), 0);
  it.takeMembers(1, [member(0, "127.0.0.1:1"), member(1, "127.0.0.1:2")]);
  assertEquals(shown(it), ["1-0 localhost:1", "1-1 localhost:2"]);
  it.list([...seats(1, "localhost:1", "localhost:2"), ...seats(1, "other:1")]);
  it.nodes[2]?.answered(answer(0), 0);
  assertEquals(shown(it), ["1-0 localhost:1", "1-1 localhost:2"]);
});

Deno.test("NodeDirectory keeps what it knows of a server when the lists change", () => {
  const { directory: it, forgotten } = setUp();
  it.list([...seats(1, "a:1"), ...seats(2, "b:1")]);
  it.nodes[0]?.answered(answer(0, { term: 9 }), 5);
  it.list(seats(1, "c:1", "a:1"));
  assertEquals(it.observe().find(({ address }) => address === "a:1")?.answer?.term, 9);
  assertEquals(forgotten, ["b:1"]);
});

Deno.test("TrackedNode overlooks one silence of a server that is up, but not that nobody is there", () => {
  const late = new KvError("DEADLINE_EXCEEDED", "No answer");
  const gone = new KvError("UNAVAILABLE", "Connection refused");
  const node = new TrackedNode({ gid: 1, address: "a:1", position: 0 });
  const isUpAfter = (...errors: KvError[]) => {
    node.answered(answer(0), 7);
    for (const error of errors) node.failed(error);
    return node.isUp;
  };
  assertEquals([isUpAfter(), isUpAfter(late), isUpAfter(late, late), isUpAfter(gone)], [
    true,
    true,
    false,
    false,
  ]);
  const { lastSeen, error, answer: last } = node.observation(0, false);
  assertEquals([lastSeen, error, last?.id], [7, "Connection refused", 0]);
  const never = new TrackedNode({ gid: 1, address: "b:1", position: 1 });
  never.failed(late);
  assertEquals([never.isUp, never.observation(1, false).lastSeen], [false, null]);
});

Deno.test("TrackedNode has figures from its second look on, and keeps them if no time has passed", () => {
  const node = new TrackedNode({ gid: 1, address: "a:1", position: 0 });
  const rate = () => node.observation(0, false).interval?.figures.writesPerSecond;
  node.measured(counts({ uptimeMs: 1_000, writes: 100 }));
  assertEquals(rate(), undefined);
  node.measured(counts({ uptimeMs: 2_000, writes: 110 }));
  assertEquals(rate(), 10);
  node.measured(counts({ uptimeMs: 2_000, writes: 110 }));
  assertEquals(rate(), 10);
});
