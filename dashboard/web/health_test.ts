import { assertEquals } from "@std/assert";
import { healthSentence } from "./health.ts";
import { messagesIn } from "./messages/messages.ts";
import { anOverview } from "./testdata/views.ts";

const say = (parts: Parameters<typeof anOverview>[0]) =>
  healthSentence(anOverview(parts), messagesIn.en);

Deno.test("healthSentence() tells of shards first, then of nodes", () => {
  assertEquals(say({}), "All 64 shards are served; all 9 nodes are up.");
  assertEquals(say({ nodesUp: 8 }), "All 64 shards are served; 1 of 9 nodes is down.");
  assertEquals(
    say({ health: "unavailable", shardsServed: 32, nodesUp: 6 }),
    "32 of 64 shards are not served; 3 of 9 nodes are down.",
  );
  assertEquals(
    say({ health: "unavailable", shardsServed: 63 }),
    "1 of 64 shards is not served; all 9 nodes are up.",
  );
  assertEquals(
    say({ health: "unavailable", shardsServed: 0 }),
    "None of the 64 shards is served; all 9 nodes are up.",
  );
});

Deno.test("healthSentence() does not claim what nobody knows", () => {
  assertEquals(
    say({ health: "unknown", nodesUp: 6 }),
    "The controllers do not answer, so nobody knows which shards are served; " +
      "3 of 9 nodes are down.",
  );
  assertEquals(
    say({ groups: 0, shardsServed: 0, nodesTotal: 3, nodesUp: 3 }),
    "No group has joined yet, so nothing is served; all 3 nodes are up.",
  );
});

Deno.test("healthSentence() speaks Chinese", () => {
  assertEquals(
    healthSentence(anOverview({ nodesUp: 8 }), messagesIn.zh),
    "全部 64 个分片都在服务；9 个节点中有 1 个离线。",
  );
});
