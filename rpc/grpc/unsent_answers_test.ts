import { assertEquals } from "@std/assert";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { type Logger, silentLogger } from "../../runtime/logger.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { STALLED_MS_MAX, TAKEN_BYTES_MIN } from "../limits.ts";
import { UnsentAnswers, type UnsentOfConnection } from "./unsent_answers.ts";

const CONNECTION_BYTES_MAX = 1_000;
const SERVER_BYTES_MAX = 2_500;

/** A connection as {@linkcode UnsentAnswers} sees it. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress = "10.0.0.1";
  readonly remotePort: number;
  bytesWritten = 0;
  destroyed = false;

  constructor(remotePort: number) {
    super();
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** As the socket says a moment after it was destroyed. */
  close(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

function server() {
  const clock = new VirtualClock();
  const warned: unknown[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (_message, { peer, unsent } = {}) => warned.push([peer, unsent]),
  };
  const limits = { connectionBytesMax: CONNECTION_BYTES_MAX, serverBytesMax: SERVER_BYTES_MAX };
  const unsent = new UnsentAnswers({ clock, logger, ...limits });
  const connect = (port: number) => {
    const socket = new FakeSocket(port);
    unsent.watch(socket as unknown as Socket);
    const counted = unsent.of(`10.0.0.1:${port}`) as UnsentOfConnection;
    return { socket, counted };
  };
  return { clock, warned, unsent, connect };
}

Deno.test("UnsentAnswers closes a connection that has too many and takes none for a while", async () => {
  const { clock, warned, unsent, connect } = server();
  const { socket, counted } = connect(1);
  counted.add(CONNECTION_BYTES_MAX);
  await clock.advance(10 * STALLED_MS_MAX);
  assertEquals([socket.destroyed, clock.pending], [false, 0], "as many as it may have");
  counted.add(1);
  await clock.advance(STALLED_MS_MAX - 1);
  assertEquals(socket.destroyed, false);
  await clock.advance(1);
  assertEquals([socket.destroyed, unsent.bytes], [true, 0]);
  assertEquals(warned, [["10.0.0.1:1", CONNECTION_BYTES_MAX + 1]]);
});

Deno.test("UnsentAnswers leaves a connection alone as long as it takes what it may be expected to", async () => {
  const { clock, unsent, connect } = server();
  const { socket, counted } = connect(1);
  counted.add(2 * CONNECTION_BYTES_MAX);
  for (let look = 0; look < 5; look++) {
    socket.bytesWritten += TAKEN_BYTES_MIN;
    await clock.advance(STALLED_MS_MAX);
    assertEquals([socket.destroyed, clock.pending], [false, 1], `after look ${look}`);
  }
  // A byte now and then keeps the answers here for ever.
  socket.bytesWritten += TAKEN_BYTES_MIN - 1;
  await clock.advance(STALLED_MS_MAX);
  assertEquals([socket.destroyed, unsent.bytes, clock.pending], [true, 0, 0]);
});

Deno.test("UnsentAnswers counts what was taken from when there were too many, not from before", async () => {
  const { clock, connect } = server();
  const { socket, counted } = connect(1);
  socket.bytesWritten = 10 * TAKEN_BYTES_MIN;
  counted.add(2 * CONNECTION_BYTES_MAX);
  await clock.advance(STALLED_MS_MAX);
  assertEquals(socket.destroyed, true);
});

Deno.test("UnsentAnswers forgives who has taken its answers by the next look, each time anew", async () => {
  const { clock, warned, unsent, connect } = server();
  const { socket, counted } = connect(1);
  for (let round = 0; round < 3; round++) {
    counted.add(CONNECTION_BYTES_MAX + 1);
    await clock.advance(STALLED_MS_MAX / 2);
    counted.add(-1);
    await clock.advance(STALLED_MS_MAX);
    counted.add(-CONNECTION_BYTES_MAX);
    assertEquals([socket.destroyed, unsent.bytes, clock.pending], [false, 0, 0]);
  }
  counted.add(CONNECTION_BYTES_MAX + 1);
  await clock.advance(STALLED_MS_MAX);
  assertEquals([socket.destroyed, warned.length], [true, 1]);
});

Deno.test("UnsentAnswers looks once at a time, however many answers come", async () => {
  const { clock, connect } = server();
  const { socket, counted } = connect(1);
  counted.add(CONNECTION_BYTES_MAX);
  for (let i = 0; i < 10; i++) counted.add(1);
  assertEquals(clock.pending, 1);
  await clock.advance(STALLED_MS_MAX);
  assertEquals([socket.destroyed, clock.pending], [true, 0]);
});

Deno.test("UnsentAnswers closes who has the most once all together have too many, and no other", () => {
  const { warned, unsent, connect } = server();
  const [worst, other, third] = [connect(1), connect(2), connect(3)];
  worst.counted.add(900);
  other.counted.add(800);
  third.counted.add(SERVER_BYTES_MAX - 1_700);
  assertEquals([unsent.bytes, worst.socket.destroyed], [SERVER_BYTES_MAX, false]);
  other.counted.add(1);
  assertEquals(unsent.bytes, SERVER_BYTES_MAX - 899);
  assertEquals([worst, other, third].map(({ socket }) => socket.destroyed), [true, false, false]);
  // Its calls say only now that they are over.
  worst.counted.add(-500);
  worst.counted.add(-400);
  worst.socket.close();
  assertEquals(unsent.bytes, SERVER_BYTES_MAX - 899);
  third.counted.add(899);
  assertEquals([unsent.bytes, warned.length], [SERVER_BYTES_MAX, 1]);
  for (const { counted } of [other, third]) counted.add(-counted.bytes);
  assertEquals(unsent.bytes, 0);
});

Deno.test("UnsentAnswers sets no timer for a connection that is gone, and forgets it", async () => {
  const { clock, unsent, connect } = server();
  const { socket, counted } = connect(1);
  counted.add(CONNECTION_BYTES_MAX + 1);
  socket.close();
  assertEquals([clock.pending, unsent.of("10.0.0.1:1")], [0, undefined]);
  counted.add(-counted.bytes);
  await clock.advance(10 * STALLED_MS_MAX);
  assertEquals(unsent.bytes, 0);
});

Deno.test("UnsentAnswers knows a connection from an earlier one of the same port, which may say late that it is closed", () => {
  const { unsent, connect } = server();
  const before = connect(1);
  const { counted } = connect(1);
  before.socket.close();
  assertEquals(unsent.of("10.0.0.1:1") === counted, true);
});
