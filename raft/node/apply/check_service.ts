/**
 * Computes a hash of all that this node has applied, for those who compare
 * replicas. Under load replicas can only be compared at an equal index: each is
 * asked to open a view at the moment when exactly that index is applied, and reads
 * the view afterwards, without haste. The whole state is read, so damage of the
 * disk shows too.
 */
import * as pb from "../../../proto/gen/check.ts";
import { KvError } from "../../../rpc/errors.ts";
import { type Route, type ServerStream, stream } from "../../../rpc/service.ts";
import { abortable } from "../../../runtime/abortable.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { Engine } from "../../../storage/engine.ts";
import type { ApplyLookout } from "./apply_lookout.ts";
import type { LiveGeneration } from "./live_generation.ts";
import type { StateMachine } from "./state_machine.ts";
import { StateView } from "./state_view.ts";

/** Longest wait for an index. */
const LOOK_MS_MAX = 10_000;
/** Longest time from the first request to the last response: a view keeps old data alive. */
const CHECK_MS_MAX = 10 * 60_000;
/** Longest wait for the caller's next request: a silent caller keeps all others from checking. */
const REQUEST_MS_MAX = 30_000;

export interface CheckServiceOptions {
  readonly identity: { readonly gid: number };
  readonly engine: Engine;
  readonly generation: LiveGeneration;
  readonly lookout: ApplyLookout;
  readonly machine: StateMachine;
  readonly clock: Clock;
}

type Call = ServerStream<pb.HashRequest, pb.HashResponse>;

export class CheckService {
  readonly #options: CheckServiceOptions;
  readonly #closed = new AbortController();
  /** The one check that is under way: two would cost twice and answer the same. */
  #running: Promise<void> | undefined;
  /** What those call who compare replicas. */
  readonly route: Route;

  constructor(options: CheckServiceOptions) {
    this.#options = options;
    this.route = stream(pb.CheckServiceService.hash, (call) => this.#start(call));
  }

  /** Ends the check under way and waits until it has let go of the engine. */
  async close(): Promise<void> {
    this.#closed.abort(new KvError("UNAVAILABLE", "Cannot hash the state: the node is stopping"));
    await this.#running?.catch(() => {});
  }

  async #start(call: Call): Promise<void> {
    if (this.#running !== undefined) {
      throw new KvError("OVERLOADED", "Cannot hash the state: another check is under way");
    }
    const limits = new TimeLimits(this.#options.clock);
    const whole = limits.set(CHECK_MS_MAX, "it took longer than");
    this.#running = this.#run(call, limits);
    try {
      await this.#running;
    } finally {
      whole.cancel();
      this.#running = undefined;
    }
  }

  async #run(call: Call, limits: TimeLimits): Promise<void> {
    const signal = AbortSignal.any([call.signal, this.#closed.signal, limits.signal]);
    const requests = call.requests[Symbol.asyncIterator]();
    const next = () => {
      const limit = limits.set(REQUEST_MS_MAX, "no request came for");
      return abortable(requests.next(), signal).finally(() => limit.cancel());
    };
    let view: StateView | undefined;
    try {
      for (;;) {
        const { done, value: request } = await next();
        if (done) return;
        if (request.hash) call.send(await this.#hash(view, signal));
        else {
          await view?.close();
          view = await this.#look(request, signal);
          signal.throwIfAborted();
          call.send(this.#response(view));
        }
      }
    } finally {
      await view?.close();
    }
  }

  #response({ index }: StateView): pb.HashResponse {
    const { gid } = this.#options.identity;
    return { gid, index, sha256: Buffer.alloc(0), records: 0, bytes: 0 };
  }

  async #hash(view: StateView | undefined, signal: AbortSignal): Promise<pb.HashResponse> {
    if (view === undefined) {
      throw new KvError("INVALID_ARGUMENT", "Cannot hash the state: nobody has looked at it yet");
    }
    const { machine } = this.#options;
    const isLocal = machine.localRecords?.() ?? (() => false);
    return { ...this.#response(view), ...await view.hash(isLocal, signal) };
  }

  /**
   * Opens a view when `index` is applied and nothing behind it, or of what is
   * applied if that is past.
   */
  #look({ index, waitMs }: pb.HashRequest, signal: AbortSignal): Promise<StateView> {
    const { engine, generation, lookout, clock } = this.#options;
    return new Promise((resolve) => {
      let takeBack = () => {};
      const open = () => {
        takeBack();
        timer.cancel();
        signal.removeEventListener("abort", open);
        // Right here: whatever comes later may see the next batch too.
        resolve(StateView.open(engine, generation.number));
      };
      const timer = clock.setTimer(open, Math.min(waitMs, LOOK_MS_MAX));
      signal.addEventListener("abort", open, { once: true });
      takeBack = lookout.lookAt(index, open);
    });
  }
}

/** Aborts what takes too long. */
class TimeLimits {
  readonly #clock: Clock;
  readonly #controller = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Aborts once `ms` are over, unless the timer is cancelled. */
  set(ms: number, why: string): Timer {
    const error = new KvError("DEADLINE_EXCEEDED", `Cannot hash the state: ${why} ${ms} ms`);
    return this.#clock.setTimer(() => this.#controller.abort(error), ms);
  }
}
