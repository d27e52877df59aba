/** Counts the calls under way, so that closing can wait for them and refuse later ones. */
import { invariant } from "../runtime/invariant.ts";
import { EngineClosedError } from "./engine.ts";

/** The door every call to an engine goes through. */
export class CallGate {
  readonly #subject: string;
  #underWay = 0;
  #closed = false;
  readonly #idle = Promise.withResolvers<void>();

  /** @param subject What is closed, for messages: "the engine at '/data'" */
  constructor(subject: string) {
    this.#subject = subject;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Lets one call in; every `enter` needs its `leave`.
   *
   * @throws {EngineClosedError} Once `close` was called
   */
  enter(): void {
    this.assertOpen();
    this.#underWay++;
  }

  leave(): void {
    invariant(this.#underWay > 0, "A call leaves the gate that never entered it");
    this.#underWay--;
    if (this.#underWay === 0 && this.#closed) this.#idle.resolve();
  }

  /** Runs one call inside the gate. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    this.enter();
    try {
      return await call();
    } finally {
      this.leave();
    }
  }

  /** @throws {EngineClosedError} Once `close` was called */
  assertOpen(): void {
    if (this.#closed) throw new EngineClosedError(`Cannot use ${this.#subject}: it is closed`);
  }

  /** Refuses new calls and waits for those under way; safe to call again. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay === 0) this.#idle.resolve();
    return this.#idle.promise;
  }
}
