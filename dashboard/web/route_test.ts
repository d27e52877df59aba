import { assertEquals } from "@std/assert";
import { formatRoute, PAGE_NAMES, parseRoute } from "./route.ts";

Deno.test("parseRoute() reads what formatRoute() writes", () => {
  for (const page of PAGE_NAMES) {
    for (const params of [{}, { key: "a b&c=#?%/键", shard: "3" }]) {
      assertEquals(parseRoute(formatRoute({ page, params })), { page, params });
    }
  }
});

Deno.test("parseRoute() leads anything unknown to the overview", () => {
  const overview = { page: "overview", params: {} } as const;
  for (const hash of ["", "#", "#/", "#/nowhere", "#main", "#/nowhere?a=1"]) {
    assertEquals(parseRoute(hash), overview);
  }
});

Deno.test("formatRoute() leaves out empty parameters", () => {
  assertEquals(
    formatRoute({ page: "shards", params: { group: "", shard: "7" } }),
    "#/shards?shard=7",
  );
});
