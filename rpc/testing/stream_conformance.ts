/** What every carrier must do with streams. */
import { assertEquals, assertThrows } from "@std/assert";
import { KvError } from "../errors.ts";
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import {
  abortable,
  collect,
  type ConformanceTest,
  endless,
  rejection,
  request,
  response,
  type Stream,
  streamMethod,
  withStream,
} from "./carrier_testing.ts";

const echo: Stream = async (call) => {
  for await (const { id } of call.requests) call.send(response(id));
};

export const streamTests: ConformanceTest[] = [
  ["carries a stream's messages in order both ways", async (start) => {
    await withStream(start, echo, async (channel) => {
      const call = channel.stream(streamMethod);
      const count = 1_000;
      for (let id = 0; id < count; id++) call.send(request(id));
      const seen: number[] = [];
      for await (const { id } of call.responses) {
        seen.push(id);
        if (seen.length === count) call.end();
      }
      assertEquals(seen, Array.from({ length: count }, (_, id) => id));
    });
  }],
  ["ends the handler's requests when the caller half-closes", async (start) => {
    const handler: Stream = async (call) => {
      let sum = 0;
      for await (const { id } of call.requests) sum += id;
      call.send(response(sum));
    };
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      for (const id of [1, 2, 3]) call.send(request(id));
      call.end();
      assertEquals(await collect(call.responses), [6]);
    });
  }],
  ["ends the caller's responses when the handler returns", async (start) => {
    const handler: Stream = (call) => {
      for (const id of [7, 8]) call.send(response(id));
      return Promise.resolve();
    };
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      assertEquals(await collect(call.responses), [7, 8]);
      // Nobody listens any more: sending and cancelling do nothing.
      call.send(request(1));
      call.cancel();
    });
  }],
  ["breaks the caller's responses with the handler's error", async (start) => {
    const handler: Stream = async (call) => {
      for await (const { id } of call.requests) {
        if (id === 3) throw new KvError("WRONG_GROUP", "Cannot serve shard 3", { leader: "a:1" });
        call.send(response(id));
      }
    };
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      call.send(request(1));
      const seen: number[] = [];
      const reading = (async () => {
        for await (const { id } of call.responses) {
          seen.push(id);
          call.send(request(id + 1));
        }
      })();
      const error = await rejection(reading);
      assertEquals([error.code, error.leader], ["WRONG_GROUP", "a:1"]);
      assertEquals(seen, [1, 2]);
    });
  }],
  ["aborts the handler when the caller cancels the stream", async (start) => {
    const { handler, entered, aborted, thrown } = endless();
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      call.send(request(1));
      await entered;
      const error = rejection(collect(call.responses));
      call.cancel();
      call.cancel();
      assertEquals((await error).code, "CANCELLED");
      await aborted;
      assertEquals((await thrown).code, "CANCELLED");
    });
  }],
  ["aborts the handler when the caller's signal aborts", async (start) => {
    const { handler, entered, aborted } = endless();
    await withStream(start, handler, async (channel) => {
      const { signal, abort } = abortable();
      const call = channel.stream(streamMethod, { signal });
      call.send(request(1));
      await entered;
      abort();
      assertEquals((await rejection(collect(call.responses))).code, "CANCELLED");
      await aborted;
      const late = channel.stream(streamMethod, { signal });
      assertEquals((await rejection(collect(late.responses))).code, "CANCELLED");
    });
  }],
  ["aborts the handler when the caller stops reading for good", async (start) => {
    const { handler, aborted } = endless();
    await withStream(start, handler, async (channel) => {
      const call = channel.stream(streamMethod);
      call.send(request(1));
      for await (const _ of call.responses) break;
      await aborted;
    });
  }],
  ["refuses a streamed message above the limit and keeps the stream", async (start) => {
    await withStream(start, echo, async (channel) => {
      const call = channel.stream(streamMethod);
      const above = { ...request(1), writes: Buffer.alloc(MESSAGE_BYTES_MAX) };
      const error = assertThrows(() => call.send(above), KvError);
      assertEquals(error.code, "INVALID_ARGUMENT");
      call.send(request(5));
      call.end();
      assertEquals(await collect(call.responses), [5]);
    });
  }],
];
