import { assertEquals, assertRejects } from "@std/assert";
import { KvError } from "../../rpc/errors.ts";
import { type Config, emptyConfig } from "../configuration/config.ts";
import { ConfigFeed } from "./config_feed.ts";

function numbered(num: number): Config {
  return { ...emptyConfig(1), num };
}

const never = new AbortController().signal;

Deno.test("ConfigFeed answers at once what exists, and later what comes to exist", async () => {
  const feed = new ConfigFeed();
  const first = feed.waitFor(0, never);
  const third = feed.waitFor(3, never);
  feed.publish(numbered(0));
  assertEquals((await first).num, 0);
  assertEquals((await feed.waitFor(0, never)).num, 0);
  feed.publish(numbered(1));
  feed.publish(numbered(4));
  assertEquals((await third).num, 4);
  assertEquals(feed.latest?.num, 4);
});

Deno.test("ConfigFeed lets a waiter go, and all of them at once", async () => {
  const feed = new ConfigFeed();
  const stop = new AbortController();
  const given = assertRejects(() => feed.waitFor(1, stop.signal), KvError, "gone");
  const interrupted = assertRejects(() => feed.waitFor(1, never), KvError, "no leader");
  stop.abort(new KvError("CANCELLED", "gone"));
  await given;
  feed.interrupt(new KvError("NOT_LEADER", "no leader"));
  await interrupted;
  await assertRejects(() => feed.waitFor(1, stop.signal), KvError, "gone");
  const later = feed.waitFor(1, never);
  feed.publish(numbered(1));
  assertEquals((await later).num, 1);
});
