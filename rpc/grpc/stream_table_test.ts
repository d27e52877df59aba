import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import { once } from "node:events";
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { replaceStreamTable, StreamTable } from "./stream_table.ts";

Deno.test("StreamTable behaves as a Map does for numbers that rise", () => {
  const add = fc.record({ kind: fc.constant("add" as const), by: fc.integer({ min: 0, max: 3 }) });
  const remove = fc.record({ kind: fc.constant("delete" as const), back: fc.nat(12) });
  const clear = fc.record({ kind: fc.constant("clear" as const) });
  // Tables have to grow long enough to close their gaps.
  const step = fc.oneof(
    { arbitrary: add, weight: 40 },
    { arbitrary: remove, weight: 30 },
    { arbitrary: clear, weight: 1 },
  );
  const steps = fc.array(step, { maxLength: 400, size: "max" });
  fc.assert(fc.property(steps, (steps) => {
    const table = new StreamTable<{ id: number }>();
    const map = new Map<number, { id: number }>();
    let id = 0;
    for (const each of steps) {
      if (each.kind === "add") {
        id += each.by;
        const stream = { id };
        table.set(id, stream);
        map.set(id, stream);
      } else if (each.kind === "delete") {
        assertEquals(table.delete(id - each.back), map.delete(id - each.back));
      } else {
        table.clear();
        map.clear();
      }
      assertEquals(table.size, map.size);
      assertEquals(table.has(id), map.has(id));
      assertEquals(table.get(id), map.get(id));
    }
    const byId = [...map].sort(([a], [b]) => a - b);
    assertEquals([...table], byId);
    assertEquals([...table.keys()], byId.map(([each]) => each));
    assertEquals([...table.values()], byId.map(([, stream]) => stream));
    const seen: [number, object][] = [];
    table.forEach((stream, each) => {
      table.delete(each);
      seen.push([each, stream]);
    });
    assertEquals(seen, byId);
    assertEquals(table.size, 0);
  }));
});

Deno.test("a session of node:http2 serves, counts and closes its streams with such a table", async () => {
  const sessions: Http2Session[] = [];
  const replaced: boolean[] = [];
  const server = createServer();
  server.on("session", (session) => {
    sessions.push(session);
    replaced.push(replaceStreamTable(session));
  });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/open") stream.write("open");
    else stream.end(`answer to ${headers[":path"]}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on("error", () => {});
  try {
    const paths = Array.from({ length: 40 }, (_, i) => `/${i}`);
    const answers = await Promise.all(
      paths.map((path) => textOf(client.request({ ":path": path }))),
    );
    assertEquals(answers, paths.map((path) => `answer to ${path}`));
    assertEquals(replaced, [true]);

    const open = client.request({ ":path": "/open" });
    open.on("error", () => {});
    await once(open, "data");
    const closed = once(open, "close");
    sessions[0]?.destroy();
    await closed;
    assert(open.destroyed, "A stream outlived its session");
  } finally {
    client.destroy();
    server.close();
    await once(server, "close");
  }
});

Deno.test("what is no session of node:http2 stays as it is", () => {
  assertFalse(replaceStreamTable({} as Http2Session));
  const busy = { [Symbol("state")]: { streams: new Map([[1, {}]]) } };
  assertFalse(replaceStreamTable(busy as unknown as Http2Session));
});

async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream) text += chunk;
  return text;
}
