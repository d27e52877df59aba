/** Which replica of a group to talk to: the leader if known, else one after the other. */
import type { Clock } from "../../runtime/clock.ts";

/** A replica that did not answer in time is left alone this long, in milliseconds. */
const SILENT_MS = 3_000;
/** A replica that could not be reached is left alone this long, in milliseconds. */
const UNREACHABLE_MS = 300;

/** What is known of one group's replicas. */
export class ReplicaChoice {
  readonly #clock: Clock;
  #addresses: readonly string[];
  #current = 0;
  /** Until when a replica is only asked if all others are to be avoided too. */
  readonly #avoidUntil = new Map<string, number>();

  /** @param addresses The group's servers, at least one */
  constructor(addresses: readonly string[], clock: Clock) {
    this.#addresses = addresses;
    this.#clock = clock;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** The replica to ask now. */
  get address(): string {
    return this.#addresses[this.#current] ?? "";
  }

  /** Takes over a new list of servers and stays with the current one if it is still among them. */
  replace(addresses: readonly string[]): void {
    const current = this.address;
    this.#addresses = addresses;
    this.#current = Math.max(0, addresses.indexOf(current));
    for (const address of this.#avoidUntil.keys()) {
      if (!addresses.includes(address)) this.#avoidUntil.delete(address);
    }
  }

  /** The replica does what a leader does. */
  succeeded(address: string): void {
    this.#avoidUntil.delete(address);
    const index = this.#addresses.indexOf(address);
    if (index !== -1) this.#current = index;
  }

  /**
   * The replica does not lead.
   *
   * @param hint Who does, if it said so; not followed where that one just failed
   */
  notLeader(address: string, hint: string | undefined): void {
    const index = hint === undefined ? -1 : this.#addresses.indexOf(hint);
    if (hint !== address && index !== -1 && !this.#isAvoided(hint ?? "")) this.#current = index;
    else this.#rotate(address);
  }

  /** The replica could not be reached or broke the connection. */
  unreachable(address: string): void {
    this.#avoid(address, UNREACHABLE_MS);
  }

  /** The replica took the request and said nothing. */
  silent(address: string): void {
    this.#avoid(address, SILENT_MS);
  }

  #avoid(address: string, ms: number): void {
    if (this.#addresses.includes(address)) {
      this.#avoidUntil.set(address, this.#clock.now() + ms);
    }
    this.#rotate(address);
  }

  #isAvoided(address: string): boolean {
    return (this.#avoidUntil.get(address) ?? 0) > this.#clock.now();
  }

  /** Goes on from a replica that was of no use, unless the choice has moved on already. */
  #rotate(from: string): void {
    if (this.address !== from) return;
    const count = this.#addresses.length;
    let best = (this.#current + 1) % count;
    for (let step = 1; step < count; step++) {
      const index = (this.#current + step) % count;
      const address = this.#addresses[index] ?? "";
      if (!this.#isAvoided(address)) {
        best = index;
        break;
      }
      if (this.#avoidedUntil(index) < this.#avoidedUntil(best)) best = index;
    }
    this.#current = best;
  }

  #avoidedUntil(index: number): number {
    return this.#avoidUntil.get(this.#addresses[index] ?? "") ?? 0;
  }
}
