/** One server as the collector knows it: its last answers, and whether it still gives any. */
import type { GetMetricsResponse } from "../proto/gen/node.ts";
import type { KvError } from "../rpc/errors.ts";
import type { Gid } from "../shardctrler/configuration/config.ts";
import type { Instant } from "./api.ts";
import { intervalBetween, type MetricsInterval } from "./state/metrics_interval.ts";
import type { NodeAnswer, NodeObservation } from "./state/observation.ts";

/** Where a server is found. */
export interface Seat {
  /** 0: a controller. */
  readonly gid: Gid;
  readonly address: string;
  /** Place in the list that names it; stands in for its id until that is known. */
  readonly position: number;
}

/** Looks in a row that a server which is up may leave unanswered: a busy one may miss one. */
const SILENCES_MAX = 1;

export class TrackedNode {
  readonly seat: Seat;
  #answer: NodeAnswer | undefined;
  #lastSeen: Instant | null = null;
  #wasAsked = false;
  #isUp = false;
  #error: string | null = null;
  #silences = 0;
  #counts: GetMetricsResponse | undefined;
  #interval: MetricsInterval | undefined;

  constructor(seat: Seat) {
    this.seat = seat;
  }

  /** Somebody has looked: it is up or not, and not just new. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** As it said itself; undefined if it never answered. */
  get id(): number | undefined {
    return this.#answer?.id;
  }

  answered(answer: NodeAnswer, at: Instant): void {
    this.#wasAsked = true;
    this.#answer = answer;
    this.#lastSeen = at;
    this.#isUp = true;
    this.#error = null;
    this.#silences = 0;
  }

  /** Nobody was there, or no answer came in time. */
  failed({ code, message }: KvError): void {
    this.#wasAsked = true;
    const mayBeBusy = code === "DEADLINE_EXCEEDED" && this.#isUp;
    if (mayBeBusy && this.#silences < SILENCES_MAX) {
      this.#silences++;
      return;
    }
    this.#isUp = false;
    this.#error = message;
  }

  /** Takes in its counts; figures need two looks. */
  measured(counts: GetMetricsResponse): void {
    const before = this.#counts;
    const interval = before && intervalBetween(before, counts);
    if (before !== undefined && interval === undefined) return;
    this.#counts = counts;
    this.#interval = interval;
  }

  /** @param id Where nobody knows its own, one that no other server of the group has */
  observation(id: number, isLearner: boolean): NodeObservation {
    return {
      gid: this.seat.gid,
      id,
      address: this.seat.address,
      answer: this.#answer,
      lastSeen: this.#lastSeen,
      isUp: this.#isUp,
      error: this.#error,
      isLearner,
      interval: this.#interval,
    };
  }
}
