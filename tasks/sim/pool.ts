/** Runs many seeds on several threads and hands the reports out in the order of the seeds. */
import type { Profile } from "../../tests/sim/options.ts";
import { NO_FIGURES } from "../../tests/sim/statistics.ts";
import type { SeedReport } from "./seed_report.ts";
import type { SeedOrder } from "./worker.ts";

export interface PoolOptions {
  readonly profile: Profile;
  readonly jobs: number;
  /** The next seed; undefined when there are no more. */
  readonly next: () => number | undefined;
}

/** Real time of one seed, beyond which it counts as hanging. */
const SEED_LIMIT_MS = 300_000;

/** Reports in the order in which the seeds were taken. To leave the loop early stops all threads. */
export async function* runSeeds(options: PoolOptions): AsyncGenerator<SeedReport> {
  const running: Promise<SeedReport>[] = [];
  const idle = Array.from({ length: options.jobs }, () => new SeedThread());
  const threads = [...idle];
  const fill = () => {
    while (idle.length > 0) {
      const seed = options.next();
      const thread = seed === undefined ? undefined : idle.pop();
      if (seed === undefined || thread === undefined) return;
      const report = thread.run({ seed, profile: options.profile });
      running.push(report.finally(() => {
        idle.push(thread);
        fill();
      }));
    }
  };
  try {
    fill();
    for (let report = running.shift(); report !== undefined; report = running.shift()) {
      yield await report;
    }
  } finally {
    for (const thread of threads) thread.close();
  }
}

class SeedThread {
  #worker: Worker | undefined;

  async run(order: SeedOrder): Promise<SeedReport> {
    const worker = this.#worker ??= startWorker();
    const { promise, resolve } = Promise.withResolvers<SeedReport>();
    const giveUp = (text: string) => {
      this.close();
      resolve(brokenReport(order.seed, text));
    };
    const limit = setTimeout(
      () => giveUp(`The seed does not end within ${SEED_LIMIT_MS / 1_000} s of real time`),
      SEED_LIMIT_MS,
    );
    worker.onmessage = (event: MessageEvent<SeedReport>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      giveUp(`The thread of the seed has ended: ${event.message}`);
    };
    worker.postMessage(order);
    try {
      return await promise;
    } finally {
      clearTimeout(limit);
    }
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function startWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url).href, { type: "module" });
}

function brokenReport(seed: number, text: string): SeedReport {
  const failure = { class: "crash" as const, text, timeline: undefined };
  return { seed, hash: "", figures: NO_FIGURES, failure, elapsedMs: SEED_LIMIT_MS };
}
