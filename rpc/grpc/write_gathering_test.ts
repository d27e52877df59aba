import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { gatherWrites } from "./write_gathering.ts";

/** A socket that remembers what it was given by each call of the system. */
class Sent extends Writable {
  readonly calls: string[] = [];

  constructor() {
    super();
    gatherWrites(this);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.calls.push(chunk.toString());
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.calls.push(chunks.map(({ chunk }) => chunk.toString()).join("+"));
    done();
  }
}

Deno.test("gatherWrites() sends what is written in one turn together, and in order", async () => {
  const socket = new Sent();
  socket.write("head");
  await Promise.resolve();
  socket.write("message");
  socket.write("trailers");
  assertEquals(socket.calls, []);
  await setImmediate();
  assertEquals(socket.calls, ["head+message+trailers"]);
  socket.write("next");
  await setImmediate();
  assertEquals(socket.calls, ["head+message+trailers", "next"]);
});

Deno.test("gatherWrites() tells each writer when its part has been sent", async () => {
  const socket = new Sent();
  const told: string[] = [];
  socket.write("a", () => told.push("a"));
  socket.write("b", "utf8", () => told.push("b"));
  await setImmediate();
  assertEquals(told, ["a", "b"]);
});

Deno.test("gatherWrites() holds nothing back from a socket that is ended", async () => {
  const socket = new Sent();
  socket.write("a");
  socket.end("farewell");
  await once(socket, "finish");
  assertEquals(socket.calls.join("+"), "a+farewell");
});

Deno.test("gatherWrites() holds nothing back from a socket that is destroyed", async () => {
  const socket = new Sent();
  socket.write("farewell");
  socket.destroy();
  assertEquals(socket.calls, ["farewell"]);
  await once(socket, "close");
});
