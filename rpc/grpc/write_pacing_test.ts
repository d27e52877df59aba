import { assert, assertEquals } from "@std/assert";
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { sleep, systemClock } from "../../runtime/clock.ts";
import { AHEAD_BYTES_MAX } from "../limits.ts";
import { DataFrames, paceStream, watchFrames } from "./write_pacing.ts";

const PATIENCE_MS = 10_000;
const MESSAGE_BYTES = 3_000_000;

interface Pair {
  /** The server's end and the client's end of one stream. */
  readonly sender: http2.ServerHttp2Stream;
  readonly reader: http2.ClientHttp2Stream;
  readonly session: http2.ClientHttp2Session;
}

/** `opened` is the first stream that somebody opens. */
async function withServer(
  use: (port: number, opened: Promise<http2.ServerHttp2Stream>) => Promise<void>,
): Promise<void> {
  const server = http2.createServer();
  server.prependListener("connection", (socket: Socket) => {
    // A peer that hangs up in the middle.
    socket.on("error", () => {});
    watchFrames(socket);
  });
  server.on("sessionError", () => {});
  const opened = Promise.withResolvers<http2.ServerHttp2Stream>();
  server.on("stream", (stream: http2.ServerHttp2Stream) => {
    assert(paceStream(stream));
    stream.on("error", () => {});
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ done: "yes" }));
    opened.resolve(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use((server.address() as AddressInfo).port, opened.promise);
  } finally {
    const down = once(server, "close");
    server.close();
    await down;
  }
}

async function withPair(use: (pair: Pair) => Promise<void>): Promise<void> {
  await withServer(async (port, opened) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    const reader = session.request({ ":path": "/" });
    reader.on("error", () => {});
    reader.pause();
    reader.end();
    try {
      await use({ sender: await opened, reader, session });
    } finally {
      const closed = once(session, "close");
      session.destroy();
      await closed;
    }
  });
}

Deno.test("a write is done once the peer has left room for it, and not before", async () => {
  await withPair(async ({ sender, reader }) => {
    let done = 0;
    for (let i = 1; i <= 3; i++) sender.write(Buffer.alloc(MESSAGE_BYTES, i), () => done++);
    await sleep(systemClock, 100);
    assertEquals(done, 0);
    assert(sender.writableLength >= 2 * MESSAGE_BYTES);
    const counts = [0, 0, 0, 0];
    reader.on("data", (bytes: Buffer) => {
      for (const byte of [bytes[0], bytes.at(-1)]) counts[byte ?? 0] = (counts[byte ?? 0] ?? 0) + 1;
    });
    reader.resume();
    await until(() => done === 3);
    const trailers = once(reader, "trailers");
    sender.end();
    assertEquals((await trailers)[0].done, "yes");
    assertEquals(counts[0], 0);
  });
});

for (const together of [1, 3]) {
  const how = together === 1 ? "one by one" : "several at once";

  Deno.test(`small writes, ${how}, are not done beyond what the peer has left room for`, async () => {
    await withPair(async ({ sender, reader }) => {
      const small = Buffer.alloc(10_000);
      const count = 300;
      let done = 0;
      for (let i = 0; i < count; i += together) {
        sender.cork();
        for (let j = 0; j < together; j++) sender.write(small, () => done++);
        sender.uncork();
        await sleep(systemClock, 0);
      }
      // The peer's window, and as much again as it may hold unread.
      const roomBytes = AHEAD_BYTES_MAX + 4 * 65_535;
      assert(done * small.length < roomBytes, `${done} writes are said to be done`);
      reader.resume();
      await until(() => done === count);
    });
  });
}

Deno.test("what is written arrives as it is, whatever its sizes", async () => {
  await withPair(async ({ sender, reader }) => {
    const sizes = [1, 0, AHEAD_BYTES_MAX, 70_000, AHEAD_BYTES_MAX + 1, 5, 2 * AHEAD_BYTES_MAX, 3];
    const sent = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i + 1)));
    let at = 0;
    for (const size of sizes) sender.write(sent.subarray(at, at += size));
    sender.end("end", "utf8");
    const parts: Buffer[] = [];
    reader.on("data", (bytes: Buffer) => parts.push(bytes));
    reader.resume();
    await once(reader, "end");
    assert(Buffer.concat(parts).equals(Buffer.concat([sent, Buffer.from("end")])));
  });
});

Deno.test("a stream that ends with writes on their way holds nothing", async () => {
  await withPair(async ({ sender, reader, session }) => {
    sender.write(Buffer.alloc(MESSAGE_BYTES));
    sender.write(Buffer.alloc(MESSAGE_BYTES));
    await sleep(systemClock, 20);
    const closed = once(sender, "close");
    reader.close(http2.constants.NGHTTP2_CANCEL);
    await closed;
    assert(!session.destroyed);
  });
});

Deno.test("a peer that opens its windows wide and leaves the connection unread is waited for too", async () => {
  await withServer(async (port, opened) => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(wideOpenRequest);
    const sender = await opened;
    // once() would fail for the error of a connection that breaks.
    const closed = new Promise<void>((resolve) => sender.on("close", () => resolve()));
    let done = 0;
    for (let i = 0; i < 20; i++) sender.write(Buffer.alloc(MESSAGE_BYTES), () => done++);
    let before = -1;
    while (before !== done) {
      before = done;
      await sleep(systemClock, 100);
    }
    assert(done < 10, `${done} are said to be done`);
    const buffer = new Uint8Array(1_048_576);
    while (done < 20) await connection.read(buffer);
    connection.close();
    await closed;
  });
});

Deno.test("DataFrames finds the frames however they are cut", () => {
  const sent = Buffer.concat([
    frame(4, 0, 6),
    frame(0, 1, 70_000),
    frame(0, 3, 0),
    frame(1, 5, 20),
    frame(0, 0x7fffffff, 16_384),
  ]);
  for (const size of [1, 7, 8, 9, 10, 100, 16_393, sent.length]) {
    const found: [number, number][] = [];
    const frames = new DataFrames((stream, bytes) => found.push([stream, bytes]));
    for (let at = 0; at < sent.length; at += size) frames.push(sent.subarray(at, at + size));
    assertEquals(found, [[1, 70_000], [3, 0], [0x7fffffff, 16_384]]);
  }
});

/** A frame whose payload looks like heads of other ones. */
function frame(type: number, stream: number, bytes: number): Buffer {
  const head = Buffer.from([bytes >> 16, bytes >> 8, bytes, type, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.alloc(bytes, "000001000000000001", "hex")]);
}

/** What a client begins with that lets its peer send all it has, and GET / (RFC 9113, section 6). */
const wideOpenRequest = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  // SETTINGS_INITIAL_WINDOW_SIZE, 2^31 - 1.
  Buffer.from("000006040000000000" + "00047fffffff", "hex"),
  // WINDOW_UPDATE of the connection.
  Buffer.from("000004080000000000" + "7fff0000", "hex"),
  // HEADERS: GET, http, /, a.
  Buffer.from("000006010500000001" + "828684" + "410161", "hex"),
]);

async function until(condition: () => boolean): Promise<void> {
  const deadline = systemClock.now() + PATIENCE_MS;
  while (!condition()) {
    assert(systemClock.now() < deadline, "It never came");
    await sleep(systemClock, 5);
  }
}
