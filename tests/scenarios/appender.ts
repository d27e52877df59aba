/** A client that knows exactly what its key must hold: it appends to a key of its own and reads it back. */
import { assertEquals } from "@std/assert";
import type { KvClerk } from "../../client/kv_clerk.ts";
import type { Player } from "./player.ts";
import type { Stage } from "./stage.ts";

/** Longest pause between two calls, in milliseconds: bounds what a run costs. */
const PAUSE_MS_MAX = 100;

export class Appender implements Player {
  readonly key: string;
  /** Words acknowledged so far. */
  words = 0;
  readonly #stage: Stage;
  readonly #clerk: KvClerk;
  #expected = "";

  constructor(stage: Stage, key: string, clerk: KvClerk = stage.client()) {
    this.key = key;
    this.#stage = stage;
    this.#clerk = clerk;
  }

  async append(): Promise<void> {
    const word = `${this.key} ${this.words},`;
    await this.#clerk.append(this.key, word);
    this.#expected += word;
    this.words++;
  }

  /** All words are there, in order, each once: the key has no other writer. */
  async check(): Promise<void> {
    const value = await this.#clerk.get(this.key);
    assertEquals(value === undefined ? "" : new TextDecoder().decode(value), this.#expected);
  }

  /** Appends, and now and then checks, until told to stop. */
  async run(isOver: () => boolean): Promise<void> {
    const { prng } = this.#stage;
    while (!isOver()) {
      await (prng.below(3) === 0 ? this.check() : this.append());
      await this.#stage.sleep(prng.below(PAUSE_MS_MAX));
    }
  }
}

/** Appenders with a client and a key each. */
export function appendersOf(stage: Stage, count: number): Appender[] {
  return Array.from({ length: count }, (_, i) => new Appender(stage, `key-${i}`));
}
