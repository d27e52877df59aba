/** Who may change the cluster: whoever knows the admin token. Guessing it is slow. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import { HttpError } from "./http_error.ts";

/** Wrong tokens of one address within {@linkcode FAILURES_MS}. */
export const FAILURES_MAX = 10;
export const FAILURES_MS = 60_000;
/** Addresses whose failures are remembered; beyond, the oldest are forgotten. */
const ADDRESSES_MAX = 1_024;

export interface AdminGuardOptions {
  /** Undefined: nobody may. */
  readonly token: string | undefined;
  readonly clock: Clock;
}

interface Failures {
  count: number;
  readonly since: number;
}

export class AdminGuard {
  readonly #clock: Clock;
  readonly #digest: Buffer | undefined;
  readonly #failures = new Map<string, Failures>();

  constructor({ token, clock }: AdminGuardOptions) {
    this.#clock = clock;
    this.#digest = token === undefined ? undefined : digestOf(token);
  }

  /** There is a token. */
  get isEnabled(): boolean {
    return this.#digest !== undefined;
  }

  /**
   * Whether the request carries the token. A wrong one counts against its address.
   *
   * @throws {HttpError} 429 if the address has guessed too often lately
   */
  isAuthorized(request: Request, peer: string): boolean {
    const given = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (this.#digest === undefined || given === undefined) return false;
    this.#checkFailures(peer);
    // Digests have the same length whatever was given, so that the time tells nothing.
    if (timingSafeEqual(this.#digest, digestOf(given))) return true;
    this.#addFailure(peer);
    return false;
  }

  /** @throws {HttpError} 403 if there is no token, 401 if the request lacks it, 429 */
  check(request: Request, peer: string): void {
    if (!this.isEnabled) {
      throw new HttpError(
        403,
        "READ_ONLY",
        "Cannot change anything: this dashboard was started without -admin-token",
      );
    }
    if (this.isAuthorized(request, peer)) return;
    throw new HttpError(
      401,
      "UNAUTHORIZED",
      "Cannot change anything: the header 'Authorization: Bearer <admin token>' is missing or wrong",
      { "www-authenticate": "Bearer" },
    );
  }

  #checkFailures(peer: string): void {
    const failures = this.#failures.get(peer);
    if (failures === undefined) return;
    const restMs = failures.since + FAILURES_MS - this.#clock.now();
    if (restMs <= 0) {
      this.#failures.delete(peer);
      return;
    }
    if (failures.count < FAILURES_MAX) return;
    const seconds = Math.ceil(restMs / 1_000);
    throw new HttpError(
      429,
      "TOO_MANY_ATTEMPTS",
      `Cannot check the token: ${failures.count} wrong ones came from your address; ` +
        `try again in ${seconds} s`,
      { "retry-after": `${seconds}` },
    );
  }

  #addFailure(peer: string): void {
    const failures = this.#failures.get(peer);
    if (failures !== undefined) {
      failures.count++;
      return;
    }
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size >= ADDRESSES_MAX) this.#failures.delete(oldest);
    this.#failures.set(peer, { count: 1, since: this.#clock.now() });
  }
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
