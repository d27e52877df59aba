import { assertEquals } from "@std/assert";
import { sleep } from "../../runtime/clock.ts";
import { VirtualClock } from "../../runtime/virtual_clock.ts";
import { ClosedLoop, OpenLoop, type Schedule } from "./bench_schedule.ts";

/** Callers that take `answerMs` for each request; returns when each request was due and began. */
async function play(
  clock: VirtualClock,
  schedule: Schedule,
  clients: number,
  answerMs: (request: number) => number,
): Promise<{ due: number; began: number }[]> {
  const requests: { due: number; began: number }[] = [];
  const start = clock.now();
  const caller = async (client: number) => {
    for (;;) {
      const due = await schedule.next(client);
      if (due === undefined) return;
      const request = requests.push({ due: due - start, began: clock.now() - start }) - 1;
      await sleep(clock, answerMs(request));
    }
  };
  const callers = Array.from({ length: clients }, (_, client) => caller(client));
  await clock.resolve(Promise.all(callers), 60_000);
  return requests;
}

Deno.test("ClosedLoop shares the requests out evenly, each due when its caller is free", async () => {
  const clock = new VirtualClock();
  const loop = new ClosedLoop({ clock, clients: 2, requests: 5, durationMs: Infinity });
  const requests = await play(clock, loop, 2, () => 10);
  assertEquals(requests.map(({ due }) => due), [0, 0, 10, 10, 20]);
});

Deno.test("ClosedLoop begins no request once its time is over", async () => {
  const clock = new VirtualClock();
  const loop = new ClosedLoop({ clock, clients: 1, requests: Infinity, durationMs: 35 });
  const requests = await play(clock, loop, 1, () => 10);
  assertEquals(requests.map(({ due }) => due), [0, 10, 20, 30]);
});

Deno.test("OpenLoop keeps its rate whatever the answers take", async () => {
  const clock = new VirtualClock();
  const loop = new OpenLoop({ clock, requests: 6, ratePerSecond: 100 });
  const requests = await play(clock, loop, 4, () => 25);
  assertEquals(requests.map(({ due, began }) => [due, began]), [
    [0, 0],
    [10, 10],
    [20, 20],
    [30, 30],
    [40, 40],
    [50, 50],
  ]);
});

Deno.test("OpenLoop counts a request from when it was due, however late a caller is free for it", async () => {
  const clock = new VirtualClock();
  const loop = new OpenLoop({ clock, requests: 5, ratePerSecond: 100 });
  // The first answer takes long: nothing is left out of what came meanwhile.
  const requests = await play(clock, loop, 1, (request) => request === 0 ? 35 : 1);
  assertEquals(requests.map(({ due, began }) => [due, began]), [
    [0, 0],
    [10, 35],
    [20, 36],
    [30, 37],
    [40, 40],
  ]);
});
