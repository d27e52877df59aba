import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createPrng } from "../../runtime/prng.ts";
import { checkByKey } from "./by_key.ts";
import { randomHistory } from "./random_history.ts";
import { registerModel, type RegisterOperation, type RegisterState } from "./register_model.ts";
import { renderTimeline } from "./timeline.ts";

const HOSTILE = `<script>alert("1")</script>'&\x07`;

function put(client: number, value: string, invoke: number, end: number): RegisterOperation {
  return {
    client,
    input: { op: "put", key: HOSTILE, value },
    outcome: { kind: "ok", output: { kind: "done" } },
    invoke,
    return: end,
    times: { invokeMs: invoke * 10, returnMs: end * 10 },
  };
}

function get(client: number, value: RegisterState, invoke: number, end: number): RegisterOperation {
  return {
    ...put(client, "", invoke, end),
    input: { op: "get", key: HOSTILE },
    outcome: { kind: "ok", output: { kind: "value", value } },
  };
}

function failedResult(...operations: RegisterOperation[]) {
  const [failed] = checkByKey(registerModel, operations, { stepsMax: 10_000 }).failed;
  assert(failed !== undefined, "The history was accepted");
  return failed;
}

function countOf(html: string, part: string): number {
  return html.split(part).length - 1;
}

/** The picture alone, without the legend above it and the list below. */
function pictureOf(html: string): string {
  return html.slice(html.indexOf('class="picture"'), html.indexOf("</div></div>\n<h2>"));
}

const stale = failedResult(
  put(1, HOSTILE, 0, 1),
  put(2, "b", 2, 3),
  get(1, HOSTILE, 4, 5),
  { ...put(3, "never", 4, 4), outcome: { kind: "maybe" } },
);

Deno.test("renderTimeline() escapes all that comes from a history", () => {
  const html = renderTimeline(stale, { title: HOSTILE, note: HOSTILE });
  assertEquals(countOf(html, "<script"), 0);
  assertStringIncludes(html, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;");
  assert(!html.includes("\x07"), "A control character got through");
  // Nothing leaves a title: each attribute ends where its quote does.
  for (const [, title = ""] of html.matchAll(/title="([^"]*)"/g)) {
    assert(!/[<>]/.test(title), title);
  }
});

Deno.test("renderTimeline() gives one file that loads nothing", () => {
  const html = renderTimeline(stale);
  assertMatch(html, /^<!doctype html>/);
  assertEquals(html.match(/https?:|\bsrc=|\bhref=|url\(|@import|<link|<img|<iframe/gi), null);
  assertStringIncludes(html, "prefers-color-scheme: dark");
});

Deno.test("renderTimeline() numbers the order and marks what could not follow it", () => {
  const picture = pictureOf(renderTimeline(stale));
  assertEquals(countOf(picture, 'class="lane"'), 3);
  assertEquals(countOf(picture, 'class="bar placed'), 2);
  assertMatch(picture, /class="bar stuck"[^>]*title="client 1: get\(\) gave /);
  assertMatch(picture, /class="bar open maybe"[^>]*title="client 3: put\(&quot;never&quot;\)/);
  assertMatch(picture, /<b>2<\/b> put\(&quot;b&quot;\)/);
  assertStringIncludes(picture, "40 ms to 50 ms");
});

Deno.test("renderTimeline() draws overlapping calls of one client apart", () => {
  const overlapping = failedResult(put(1, "a", 0, 5), put(1, "b", 1, 3), get(1, "c", 6, 7));
  const picture = pictureOf(renderTimeline(overlapping));
  assertEquals(countOf(picture, 'class="lane"'), 1);
  assertEquals(countOf(picture, 'class="row"'), 2);
});

Deno.test("renderTimeline() draws only what is near to the failure of a long history", () => {
  const history = randomHistory(createPrng(1), {
    clients: 4,
    operations: 500,
    maybePercent: 0,
    delayMax: 5,
    keys: [HOSTILE],
  });
  const end = Math.max(...history.map((operation) => operation.return));
  const failed = failedResult(...history, get(9, "nobody's", end + 1, end + 2));
  const html = renderTimeline(failed, { barsMax: 100 });
  assertEquals(countOf(pictureOf(html), 'class="bar '), 100);
  assertStringIncludes(html, "401 operations farther away are not shown");
  assertMatch(html, /class="bar stuck"/);
});
