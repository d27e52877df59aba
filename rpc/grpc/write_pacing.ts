/**
 * The truth about what has been sent. node:http2 of Deno 2.9 says of every
 * write that it is done a moment later, whether or not the peer takes anything,
 * and keeps in native memory what the peer's window leaves no room for. Nobody
 * learns how much that is, and it is never given back if the stream ends first.
 *
 * What leaves can be seen, though: node:http2 hands each frame to the socket.
 * So a stream is given a little more than has left, and waits with the rest,
 * and with saying that it is done, until that has left too.
 */
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { SequenceMap } from "../../runtime/sequence_map.ts";
import { AHEAD_BYTES_MAX, SOCKET_BYTES_MAX } from "../limits.ts";

type Done = (error?: Error | null) => void;
type Written = { readonly chunk: unknown; readonly encoding: BufferEncoding };

/** What a stream of node:http2 does with what it is given. */
interface Writes {
  readonly _write: (chunk: unknown, encoding: BufferEncoding, done: Done) => void;
  readonly _writev: ((chunks: Written[], done: Done) => void) | undefined;
}

/** Bytes of what stands before a frame's payload (RFC 9113, section 4.1). */
const FRAME_HEAD_BYTES = 9;
const DATA_FRAME = 0;
const NO_BYTES = new Uint8Array();

const PACING_KEY = Symbol("pacing");

/** Makes streams of the session that will run over the socket fit for {@linkcode paceStream}. */
export function watchFrames(socket: Socket): void {
  Reflect.set(socket, PACING_KEY, new WritePacing(socket));
}

/**
 * Paces a stream to which no data were written yet. What gets only a little is
 * cheaper without.
 *
 * @returns Whether its session runs over a socket that {@linkcode watchFrames} was called with
 */
export function paceStream(stream: ServerHttp2Stream): boolean {
  // A session shows its socket by a proxy.
  const socket = stream.session?.socket;
  const pacing: unknown = socket && Reflect.get(socket, PACING_KEY);
  if (!(pacing instanceof WritePacing)) return false;
  pacing.add(stream);
  return true;
}

/** The streams of one connection. */
class WritePacing {
  readonly #socket: Socket;
  readonly #streams = new SequenceMap<PacedStream>();

  constructor(socket: Socket) {
    this.#socket = socket;
    const frames = new DataFrames((stream, bytes) => this.#streams.get(stream)?.onSent(bytes));
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (chunk: unknown, encoding?: unknown, done?: unknown) => {
      if (chunk instanceof Uint8Array) frames.push(chunk);
      return write(chunk, encoding, done);
    };
    socket.on("drain", () => this.#streams.forEach((_, stream) => stream.goOn()));
  }

  /** Whether the peer leaves the connection itself unread: windows may be wider than memory. */
  get isSocketFull(): boolean {
    return this.#socket.writableLength >= SOCKET_BYTES_MAX;
  }

  add(stream: ServerHttp2Stream): void {
    const { id } = stream;
    if (id === undefined) return;
    this.#streams.set(id, new PacedStream(stream, this));
    stream.once("close", () => this.#streams.delete(id));
  }
}

/** Tells of each DATA frame in what one end of a connection sends, however that is cut. */
export class DataFrames {
  readonly #onFrame: (stream: number, bytes: number) => void;
  /** The beginning of a frame's head; empty most of the time. */
  #head: Uint8Array = NO_BYTES;
  /** Bytes of the last frame's payload that are still to come. */
  #payloadLeft = 0;

  constructor(onFrame: (stream: number, bytes: number) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    let at = this.#payloadLeft;
    while (at + FRAME_HEAD_BYTES <= bytes.length) {
      const length = uint32(bytes, at) >>> 8;
      if (bytes[at + 3] === DATA_FRAME) this.#onFrame(uint32(bytes, at + 5) & 0x7fffffff, length);
      at += FRAME_HEAD_BYTES + length;
    }
    this.#head = at < bytes.length ? bytes.subarray(at) : NO_BYTES;
    this.#payloadLeft = Math.max(0, at - bytes.length);
  }
}

class PacedStream {
  readonly #stream: Writable;
  /** What node:http2 would do. */
  readonly #native: Writes;
  readonly #pacing: WritePacing;
  /** Bytes given to node:http2 that are in no frame yet. */
  #ahead = 0;
  /** What is not given to node:http2 yet; empty most of the time. */
  #waiting: Uint8Array[] = [];
  /** To be called with the last of it. */
  #done: Done = ignore;
  #goesOn = false;

  constructor(stream: Writable, pacing: WritePacing) {
    this.#pacing = pacing;
    const { _write, _writev = undefined } = stream;
    this.#stream = stream;
    this.#native = { _write, _writev };
    stream._write = (chunk, encoding, done) => this.#write(chunk, encoding, done);
    if (_writev !== undefined) stream._writev = (chunks, done) => this.#writeMany(chunks, done);
  }

  onSent(bytes: number): void {
    this.#ahead -= bytes;
    if (this.#waiting.length === 0 || this.#goesOn) return;
    this.#goesOn = true;
    // node:http2 is in the middle of handing out frames.
    queueMicrotask(() => {
      this.#goesOn = false;
      this.goOn();
    });
  }

  /** Gives node:http2 as much of what waits as there is room for. */
  goOn(): void {
    if (this.#stream.destroyed) this.#waiting = [];
    while (
      this.#waiting.length > 0 && this.#ahead < AHEAD_BYTES_MAX && !this.#pacing.isSocketFull
    ) {
      const first = this.#waiting[0] as Uint8Array;
      const room = AHEAD_BYTES_MAX - this.#ahead;
      const piece = first.subarray(0, room);
      if (first.length > room) this.#waiting[0] = first.subarray(room);
      else this.#waiting.shift();
      this.#ahead += piece.length;
      this.#give(piece, this.#waiting.length === 0 ? this.#done : ignore);
    }
  }

  #write(chunk: unknown, encoding: BufferEncoding, done: Done): void {
    const bytes = toBytes(chunk, encoding);
    if (!this.#hasRoom(bytes.length)) return this.#wait([bytes], done);
    this.#ahead += bytes.length;
    this.#give(bytes, done);
  }

  #writeMany(chunks: Written[], done: Done): void {
    const all = chunks.map(({ chunk, encoding }) => toBytes(chunk, encoding));
    const length = all.reduce((sum, bytes) => sum + bytes.length, 0);
    if (!this.#hasRoom(length)) return this.#wait(all, done);
    this.#ahead += length;
    this.#native._writev?.call(this.#stream, chunks, done);
  }

  #give(bytes: Uint8Array, done: Done): void {
    this.#native._write.call(this.#stream, bytes, "buffer" as BufferEncoding, done);
  }

  #hasRoom(bytes: number): boolean {
    return this.#ahead + bytes <= AHEAD_BYTES_MAX && !this.#pacing.isSocketFull;
  }

  /** A stream is given nothing more before what it was given last is done. */
  #wait(chunks: Uint8Array[], done: Done): void {
    this.#waiting = chunks;
    this.#done = done;
    this.goOn();
  }
}

function toBytes(chunk: unknown, encoding: BufferEncoding): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk), encoding);
}

/** Big-endian. */
function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 24 | (bytes[at + 1] as number) << 16 |
    (bytes[at + 2] as number) << 8 | (bytes[at + 3] as number)) >>> 0;
}

function ignore(): void {}
