import { assert, assertEquals } from "@std/assert";
import { shardOf } from "../../shardctrler/configuration/shard_hash.ts";
import type { KeyPage } from "../api.ts";
import { TestHandler, usual } from "./handler_testing.ts";
import { VALUE_BYTES_SHOWN_MAX } from "./keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("GET /api/v1/keys/value shows a value as text where it is text, else in base64", async () => {
  using it = new TestHandler({
    pairs: new Map([
      ["greeting", bytes("héllo")],
      ["raw", Uint8Array.of(0xff, 0)],
      ["\xff\x00", bytes("odd key")],
      ["empty", new Uint8Array()],
    ]),
  });
  const ask = async (query: string) => (await it.json(`/api/v1/keys/value?${query}`)).body;
  const place = (key: Uint8Array) => {
    const shardId = shardOf(key, 4);
    return { shardId, groupId: usual.config?.shards[shardId] ?? 0 };
  };
  assertEquals(await ask("key=greeting"), {
    key: { text: "greeting" },
    found: true,
    value: { text: "héllo" },
    valueBytes: 6,
    ...place(bytes("greeting")),
  });
  assertEquals((await ask("key=raw")).value, { base64: "/wA=" });
  assertEquals((await ask("key64=/wA=")).value, { text: "odd key" });
  assertEquals((await ask("key64=_wA")).key, { base64: "/wA=" });
  assertEquals((await ask("key=empty")).value, { text: "" });
  const missing = await ask("key=nothing");
  assertEquals([missing.found, missing.value, missing.valueBytes], [false, null, 0]);
});

Deno.test("A long value is cut, between two characters, and its length told", async () => {
  const text = `x${"é".repeat(VALUE_BYTES_SHOWN_MAX)}`;
  using it = new TestHandler({ pairs: new Map([["long", bytes(text)]]) });
  const { body } = await it.json("/api/v1/keys/value?key=long");
  assertEquals(body.valueBytes, 2 * VALUE_BYTES_SHOWN_MAX + 1);
  assertEquals(body.value.text.length, 1 + (VALUE_BYTES_SHOWN_MAX - 2) / 2);
  assert(text.startsWith(body.value.text));
});

Deno.test("GET /api/v1/keys pages through a prefix, each key once", async () => {
  const names = ["a", "b1", "b2", "b3", "b4", "b5", "c", "b\xff"];
  using it = new TestHandler({ pairs: new Map(names.map((name) => [name, bytes("v")])) });
  const walk = async (query: string) => {
    const found: string[] = [];
    const pages: number[] = [];
    for (let next: string | null = ""; next !== null;) {
      const after: string = next === "" ? "" : `&after=${encodeURIComponent(next)}`;
      const { body }: { body: KeyPage } = await it.json(`/api/v1/keys?${query}${after}`);
      found.push(...body.keys.map(({ key }) => "text" in key ? key.text : key.base64));
      pages.push(body.keys.length);
      next = body.next;
    }
    return { found, pages };
  };
  assertEquals(await walk("prefix=b&limit=2"), {
    found: ["b1", "b2", "b3", "b4", "b5", "Yv8="],
    pages: [2, 2, 2],
  });
  assertEquals((await walk("limit=3")).found.length, 8);
  assertEquals(await walk("prefix=zzz"), { found: [], pages: [0] });
  // A place before the prefix leads to its beginning, one behind it to nothing.
  assertEquals(
    (await it.json("/api/v1/keys?prefix=b&after=YQ&limit=1")).body.keys[0].key.text,
    "b1",
  );
  assertEquals((await it.json("/api/v1/keys?prefix=b&after=Yw")).body.keys, []);
});

Deno.test("Questions about keys that make no sense are refused", async () => {
  using it = new TestHandler();
  for (
    const path of [
      "/api/v1/keys/value",
      "/api/v1/keys/value?key=",
      "/api/v1/keys/value?key64=*",
      "/api/v1/keys?limit=0",
      "/api/v1/keys?limit=1001",
      "/api/v1/keys?limit=x",
      "/api/v1/keys?after=$",
    ]
  ) {
    const { status, body } = await it.json(path);
    assertEquals([status, body.error.code], [400, "INVALID_ARGUMENT"], path);
  }
});
