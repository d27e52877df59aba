import { assertEquals, assertThrows } from "@std/assert";
import { heartbeat } from "../testing/messages.ts";
import { TestNode } from "../testing/test_node.ts";
import { LostEntriesError } from "./lost_entries_error.ts";

Deno.test("a follower whose log lacks an entry that it has acknowledged to its leader stops", () => {
  const node = new TestNode({ voters: [1, 2, 3], log: [1, 1] });
  node.raw.step(heartbeat({ term: 1, commit: 2 }));
  node.drain();
  const error = assertThrows(
    () => node.raw.step(heartbeat({ term: 1, commit: 3 })),
    LostEntriesError,
  );
  assertEquals(
    error.message,
    "Cannot trust the stored log: this node has acknowledged entry 3 in term 1, and its log ends " +
      "at 2; wipe the directory and let the node rejoin as a new member",
  );
});
