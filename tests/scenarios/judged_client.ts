/** Clients that share keys: nobody knows what a read must give, the linearizability checker judges all of it. */
import { assert, assertEquals } from "@std/assert";
import {
  checkByKey,
  HistoryRecorder,
  type KeyClerk,
  registerModel,
  renderTimeline,
} from "../linearizability/mod.ts";
import type { Player } from "./player.ts";
import type { Stage } from "./stage.ts";

/** Longest pause between two calls, in milliseconds: short, so that calls overlap. */
const PAUSE_MS_MAX = 60;
/** Steps the checker may take for one key; needing more counts as a failure. */
const STEPS_MAX = 2_000_000;

export class JudgedClient implements Player {
  readonly key: string;
  /** Calls answered so far. */
  words = 0;
  readonly #stage: Stage;
  readonly #clerk: KeyClerk;
  readonly #keys: readonly string[];
  readonly #number: number;

  constructor(stage: Stage, number: number, clerk: KeyClerk, keys: readonly string[]) {
    this.key = `client ${number}`;
    this.#stage = stage;
    this.#number = number;
    this.#clerk = clerk;
    this.#keys = keys;
  }

  /** Calls at random until told to stop; every written value is written once. */
  async run(isOver: () => boolean): Promise<void> {
    const { prng } = this.#stage;
    while (!isOver()) {
      await this.#call(this.#keys[prng.below(this.#keys.length)] ?? "");
      this.words++;
      await this.#stage.sleep(prng.below(PAUSE_MS_MAX));
    }
  }

  /** There is nothing it could know by itself. */
  check(): Promise<void> {
    return Promise.resolve();
  }

  async #call(key: string): Promise<void> {
    const clerk = this.#clerk;
    const value = `${this.#number}.${this.words} `;
    switch (this.#stage.prng.below(8)) {
      case 0:
      case 1:
        return await clerk.put(key, value);
      case 2:
      case 3:
        return await clerk.append(key, value);
      case 4:
        return void await clerk.delete(key);
      case 5:
        return void await clerk.cas(key, { expected: await clerk.get(key), value });
      default:
        return void await clerk.get(key);
    }
  }
}

export interface Judged {
  readonly clients: JudgedClient[];
  readonly recorder: HistoryRecorder;
}

export function judgedClients(stage: Stage, count: number, keys: readonly string[]): Judged {
  const recorder = new HistoryRecorder(stage.store.ctrl.clock);
  const clients = Array.from({ length: count }, (_, i) => {
    return new JudgedClient(stage, i, recorder.wrap(stage.client(), i), keys);
  });
  return { clients, recorder };
}

/** Requires that one copy of the data could have given all answers, and that there were enough of them. */
export async function assertLinearizable(
  recorder: HistoryRecorder,
  answersMin: number,
): Promise<void> {
  const operations = recorder.operations();
  assert(operations.length >= answersMin, `only ${operations.length} calls were made`);
  const { kind, failed } = checkByKey(registerModel, operations, { stepsMax: STEPS_MAX });
  const [first] = failed;
  if (first === undefined) return;
  const path = await Deno.makeTempFile({ prefix: "history-", suffix: ".html" });
  await Deno.writeTextFile(path, renderTimeline(first));
  assertEquals(kind, "ok", `the history of '${first.key}' is ${first.kind}: ${path}`);
}
