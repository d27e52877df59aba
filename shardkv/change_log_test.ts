import { assertEquals } from "@std/assert";
import type { Write } from "../storage/engine.ts";
import { isChangeLogFull, noteChange } from "./change_log.ts";
import { CHANGE_LOG_BYTES_MAX } from "./limits.ts";
import { bytes } from "./machine_harness.ts";
import { changesAfter } from "./machine_keys.ts";
import { emptyShard } from "./shard_record.ts";

Deno.test("noteChange() numbers the changes of a shard that is leaving, and of no other", () => {
  for (const status of ["Serving", "GCing", "BePulling", "Frozen", "Pulling"] as const) {
    const writes: Write[] = [];
    const shard = emptyShard(3, 7, status);
    noteChange(shard, bytes("\x02key"), writes);
    assertEquals([writes, shard.changes], [[], 0]);
  }
  const shard = emptyShard(3, 7, "Leaving");
  const writes: Write[] = [];
  noteChange(shard, bytes("\x02key"), writes);
  noteChange(shard, bytes("\x02key"), writes);
  const { start } = changesAfter(shard, 1);
  assertEquals(writes[1], { type: "put", key: start, value: bytes("\x02key") });
  assertEquals(shard.changes, 2);
  assertEquals(shard.changeBytes, 2 * (start.length + 4));
});

Deno.test("a change log is full at its bound, while the shard is leaving", () => {
  const shard = emptyShard(3, 7, "Leaving");
  shard.changeBytes = CHANGE_LOG_BYTES_MAX - 1;
  assertEquals(isChangeLogFull(shard), false);
  noteChange(shard, bytes("\x02key"), []);
  assertEquals(isChangeLogFull(shard), true);
  shard.status = "BePulling";
  assertEquals(isChangeLogFull(shard), false);
});
