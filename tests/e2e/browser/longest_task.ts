/**
 * How long the page's thread was busy without a break, in processor time: what other processes take
 * from the machine does not count, so the figure means the same on a busy machine.
 */
import type { CDPSession, Page } from "playwright-core";

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { readonly name?: string };
  /** Processor time in microseconds. */
  readonly tdur?: number;
}

const MAIN_THREAD = "CrRendererMain";
const TASK = /RunTask$/;

/** Milliseconds of the longest task of any page's main thread while something runs. */
export async function longestTask(page: Page, run: () => Promise<void>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", ({ value }) => {
    events.push(...value as unknown as TraceEvent[]);
  });
  await session.send("Tracing.start", { traceConfig: { includedCategories: ["toplevel"] } });
  await run();
  await end(session);
  await session.detach();
  return longestOf(events);
}

async function end(session: CDPSession): Promise<void> {
  const complete = new Promise<void>((resolve) => {
    session.once("Tracing.tracingComplete", () => resolve());
  });
  await session.send("Tracing.end");
  await complete;
}

function longestOf(events: readonly TraceEvent[]): number {
  const thread = ({ pid, tid }: TraceEvent) => `${pid}/${tid}`;
  const main = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args?.name === MAIN_THREAD)
      .map(thread),
  );
  const tasks = events.filter((event) => TASK.test(event.name) && main.has(thread(event)));
  if (tasks.length === 0) throw new Error("Cannot tell how long tasks took: the trace has none");
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}
