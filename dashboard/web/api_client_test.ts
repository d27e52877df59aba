import { assertEquals, assertRejects } from "@std/assert";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { ApiClient, REQUEST_MS_MAX, RequestError } from "./api_client.ts";

function clientThatGets(answer: (init: RequestInit) => Promise<Response>) {
  const clock = new VirtualClock();
  const asked: [string, RequestInit][] = [];
  const api = new ApiClient({
    clock,
    fetch(path, init) {
      asked.push([path, init]);
      return answer(init);
    },
  });
  return { api, clock, asked };
}

const never = (init: RequestInit) =>
  new Promise<Response>((_, reject) => {
    init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
  });

Deno.test("ApiClient asks for keys byte for byte, and for pages by their start", async () => {
  const { api, asked, clock } = clientThatGets(() => Promise.resolve(Response.json({})));
  const { signal } = new AbortController();
  await api.getKey({ text: "a/b&c" }, signal);
  await api.getKey({ base64: "/w==" }, signal);
  await api.listKeys("user/", null, signal);
  await api.listKeys("", "next one", signal);
  assertEquals(asked.map(([path]) => path), [
    "/api/v1/keys/value?key=a%2Fb%26c",
    "/api/v1/keys/value?key64=%2Fw%3D%3D",
    "/api/v1/keys?prefix=user%2F",
    "/api/v1/keys?prefix=&after=next+one",
  ]);
  assertEquals(clock.pending, 0);
});

Deno.test("ApiClient sends the token with actions, and none where there is none", async () => {
  const { api, asked } = clientThatGets(() => Promise.resolve(Response.json({})));
  const action = { kind: "removeGroup", gid: 100 } as const;
  await api.getActionSupport("");
  await api.runAction(action, "secret");
  const [support, run] = asked.map(([, init]) => init);
  assertEquals(new Headers(support?.headers).has("authorization"), false);
  assertEquals(new Headers(run?.headers).get("authorization"), "Bearer secret");
  assertEquals(JSON.parse(String(run?.body)), action);
});

Deno.test("ApiClient hands on the server's own words, and tells silence from nonsense", async () => {
  const refusal = Response.json({ error: { code: "refused", message: "Cannot do it" } }, {
    status: 409,
  });
  const cases = [
    [() => Promise.resolve(refusal), "refused", "Cannot do it"],
    [() => Promise.resolve(new Response("<html>", { status: 502 })), "unreadable", "HTTP 502"],
    [() => Promise.resolve(new Response("<html>")), "unreadable", ""],
    [() => Promise.reject(new TypeError("Refused")), "unreachable", ""],
  ] as const;
  for (const [answer, code, message] of cases) {
    const { api } = clientThatGets(answer);
    const error = await assertRejects(() => api.getHistory(), RequestError, message);
    assertEquals(error.code, code);
  }
});

Deno.test("ApiClient gives up on a server that never answers", async () => {
  const { api, clock } = clientThatGets(never);
  const outcome = assertRejects(() => api.getHistory(), RequestError);
  await clock.advance(REQUEST_MS_MAX);
  assertEquals((await outcome).code, "unreachable");
});

Deno.test("ApiClient lets go of a request that nobody waits for", async () => {
  const { api, clock } = clientThatGets(never);
  const running = new AbortController();
  const outcome = api.getKey({ text: "k" }, running.signal);
  running.abort(new Error("Gone"));
  await assertRejects(() => outcome, Error, "Gone");
  assertEquals(clock.pending, 0);
});
