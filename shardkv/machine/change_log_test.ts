import { assertEquals } from "@std/assert";
import { BatchView } from "../../raft/node/apply/batch_view.ts";
import { KnownLengths } from "../../raft/node/apply/known_lengths.ts";
import { CHANGE_LOG_BYTES_MAX } from "../limits.ts";
import { bytes } from "../testing/machine_harness.ts";
import { isChangeLogFull, noteChange } from "./change_log.ts";
import { changesAfter, recordKey } from "./machine_keys.ts";
import { emptyShard } from "./shard_record.ts";

function emptyView(): BatchView {
  return new BatchView(new KnownLengths({ secret: "1" }));
}

Deno.test("noteChange() numbers the changes of a shard that is leaving, and of no other", () => {
  for (const status of ["Serving", "GCing", "BePulling", "Frozen", "Pulling"] as const) {
    const view = emptyView();
    const shard = emptyShard(3, 7, status);
    noteChange(shard, recordKey(shard, bytes("\x02key")), view);
    assertEquals([view.records, shard.changes], [0, 0]);
  }
  const shard = emptyShard(3, 7, "Leaving");
  const view = emptyView();
  noteChange(shard, recordKey(shard, bytes("\x02key")), view);
  noteChange(shard, recordKey(shard, bytes("\x02key")), view);
  const { start } = changesAfter(shard, 1);
  const prefix = bytes("p");
  const [, change] = view.takeWrites(prefix);
  assertEquals(change, { type: "put", prefix, key: start, value: bytes("\x02key") });
  assertEquals(shard.changes, 2);
  assertEquals(shard.changeBytes, 2 * (start.length + 4));
});

Deno.test("a change log is full at its bound, while the shard is leaving", () => {
  const shard = emptyShard(3, 7, "Leaving");
  shard.changeBytes = CHANGE_LOG_BYTES_MAX - 1;
  assertEquals(isChangeLogFull(shard), false);
  noteChange(shard, recordKey(shard, bytes("\x02key")), emptyView());
  assertEquals(isChangeLogFull(shard), true);
  shard.status = "BePulling";
  assertEquals(isChangeLogFull(shard), false);
});
