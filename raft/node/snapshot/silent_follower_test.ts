import { assertEquals } from "@std/assert";
import { setFailpoint } from "../../../runtime/failpoint.ts";
import type { NodeIdentity } from "../members/identity.ts";
import { TestGroup } from "../testing/test_group.ts";

/** More than a queue of messages to one peer holds. */
const READS = 8_500;

Deno.test("a leader goes on while a follower that fetches a snapshot says nothing any more", async () => {
  const group = await TestGroup.start(3, 1, { retainedEntriesMax: 4 });
  const leader = await group.leader();
  const away = group.ids.find((id) => id !== leader) ?? 0;
  // Of several chunks.
  for (let i = 0; i < 3; i++) await group.write(`bulk${i}=${"v".repeat(600 << 10)}`);
  group.isolate(away);
  for (let i = 0; i < 600; i++) await group.write(`x=${i}.`);
  const silence = Promise.withResolvers<void>();
  let isFetching = false;
  using _ = setFailpoint("raft/afterChunk", (node) => {
    if ((node as NodeIdentity).nodeId !== away) return undefined;
    isFetching = true;
    return silence.promise;
  });
  group.heal();
  await group.clock.advanceUntil(() => isFetching, 20_000);
  group.isolate(away);
  // The stream breaks, and the next attempt takes as long to fail: messages wait meanwhile.
  await group.clock.advance(2_100);
  for (let i = 0; i < READS && group.failures.length === 0; i++) {
    await group.node(leader).readBarrier();
  }
  assertEquals(group.failures, []);
  silence.resolve();
  group.heal();
  await group.clock.advance(100);
  await group.stop();
});
