/** Compares the replicas of a group: all of them are asked for a hash of their state at one index. */
import type { HashResponse } from "../../proto/gen/check.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Dialer } from "../../rpc/service.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Prng } from "../../runtime/prng.ts";
import type { Gid } from "../../shardctrler/configuration/config.ts";
import { MemberClerk } from "../member_clerk.ts";
import { StateHashCall } from "./state_hash_call.ts";

/** How long a replica is waited for that has yet to reach the index. */
const LOOK_MS = 1_000;
/** How much longer an answer may take before the replica is given up: the others would wait with it. */
const PATIENCE_MS = 3_000;
/** Attempts to have all replicas look at one index: each one aims further ahead of busy replicas. */
const ATTEMPTS_MAX = 12;
/** How far ahead it is aimed once replicas were found to be busy; doubled each time. */
const LEAD_FIRST = 8;
/** Time to find out who the members are; without a leader the servers that are known must do. */
const MEMBERS_MS = 5_000;

export interface StateCheckOptions {
  readonly gid: Gid;
  /** Servers of the group; its leader tells who its members are. */
  readonly servers: readonly string[];
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly prng: Prng;
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
}

/**
 * - `equal`: holds what most of its group hold
 * - `differs`: does not, or there is no majority for anything
 * - `unknown`: could not be asked; `error` says why
 */
export type CheckResult = "equal" | "differs" | "unknown";

export interface ReplicaCheck {
  readonly address: string;
  readonly result: CheckResult;
  /** Index that the hash is of; for an unknown one what is known to be applied. */
  readonly index: number | undefined;
  /** SHA-256 in hexadecimal digits; undefined for an unknown one. */
  readonly hash: string | undefined;
  readonly records: number;
  readonly bytes: number;
  readonly error: KvError | undefined;
}

/** What the replicas of a group turned out to hold, in the order of the members. */
export interface GroupCheck {
  readonly gid: Gid;
  readonly replicas: readonly ReplicaCheck[];
}

/** What became of asking one replica. */
type Answer = HashResponse | KvError;

/** Compares the replicas of one group. Never fails as a whole: replicas that cannot be asked say why. */
export async function checkGroup(options: StateCheckOptions): Promise<GroupCheck> {
  const { gid, clock, timeoutMs } = options;
  const limit = new AbortController();
  const timer: Timer = clock.setTimer(() => limit.abort(), timeoutMs);
  try {
    const addresses = await membersOf(options);
    const answers = await hashAll(options, addresses, limit.signal);
    return { gid, replicas: judge(gid, addresses, answers, limit.signal) };
  } finally {
    timer.cancel();
    limit.abort();
  }
}

async function membersOf(options: StateCheckOptions): Promise<readonly string[]> {
  const timeoutMs = Math.min(MEMBERS_MS, options.timeoutMs);
  const clerk = new MemberClerk({ ...options, timeoutMs });
  try {
    return (await clerk.list()).map(({ address }) => address);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    return options.servers;
  } finally {
    clerk.close();
  }
}

/** Has all replicas look at one index, and then hash what they saw. */
async function hashAll(
  { dialer, clock }: StateCheckOptions,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<Answer[]> {
  const calls = addresses.map((address) => new StateHashCall(dialer, address, signal));
  try {
    const { target, seen } = await lookTogether(calls, clock);
    return await all(calls, async (call, i) => {
      const answer = seen[i] ?? missed(call.address);
      const isReady = !(answer instanceof KvError) && answer.index === target;
      return isReady ? await call.hash() : answer;
    });
  } finally {
    for (const call of calls) call.close();
  }
}

/** Aims at an index, further and further ahead, until all replicas that answer have seen the same. */
async function lookTogether(
  calls: readonly StateHashCall[],
  clock: Clock,
): Promise<{ readonly target: number; readonly seen: readonly Answer[] }> {
  let seen = await all(calls, (call) => look(call, clock, 0, 0));
  let target = highestIn(seen);
  let lead = 0;
  for (let attempt = 1;; attempt++) {
    const isSame = (answer: Answer) => answer instanceof KvError || answer.index === target;
    if (attempt === ATTEMPTS_MAX || seen.every(isSame)) return { target, seen };
    const highest = highestIn(seen);
    lead = highest > target ? Math.max(LEAD_FIRST, 2 * lead) : 0;
    target = highest + lead;
    // Those that have failed are not asked again: they would hold up the rest.
    const failed = seen.map((answer) => answer instanceof KvError ? answer : undefined);
    seen = await all(
      calls,
      async (call, i) => failed[i] ?? await look(call, clock, target, LOOK_MS),
    );
  }
}

/** As `call.look`, and gives the replica up if it does not answer. */
async function look(
  call: StateHashCall,
  clock: Clock,
  index: number,
  waitMs: number,
): Promise<HashResponse> {
  const timer = clock.setTimer(() => call.close(), waitMs + PATIENCE_MS);
  try {
    return await call.look(index, waitMs);
  } finally {
    timer.cancel();
  }
}

function highestIn(answers: readonly Answer[]): number {
  return Math.max(0, ...answers.flatMap((answer) => answer instanceof KvError ? [] : answer.index));
}

function missed(address: string): KvError {
  return new KvError("UNAVAILABLE", `Cannot hash the state of ${address}: it did not answer`);
}

function all(
  calls: readonly StateHashCall[],
  ask: (call: StateHashCall, position: number) => Promise<Answer>,
): Promise<Answer[]> {
  return Promise.all(calls.map((call, i) => ask(call, i).catch((error) => KvError.from(error))));
}

function judge(
  gid: Gid,
  addresses: readonly string[],
  answers: readonly Answer[],
  signal: AbortSignal,
): ReplicaCheck[] {
  const hashes = answers.map((answer) => hashIn(answer, gid));
  const usual = mostOf(hashes.filter((hash) => hash !== undefined));
  return addresses.map((address, i) => {
    const answer = answers[i] ?? missed(address);
    const hash = hashes[i];
    const known = answer instanceof KvError ? undefined : answer;
    const result = hash === undefined ? "unknown" : hash === usual ? "equal" : "differs";
    return {
      address,
      result,
      index: known?.index,
      hash,
      records: known?.records ?? 0,
      bytes: known?.bytes ?? 0,
      error: hash === undefined ? whyUnknown(address, gid, answer, signal) : undefined,
    };
  });
}

function hashIn(answer: Answer, gid: Gid): string | undefined {
  if (answer instanceof KvError || answer.gid !== gid || answer.sha256.length === 0) {
    return undefined;
  }
  return answer.sha256.toString("hex");
}

function whyUnknown(address: string, gid: Gid, answer: Answer, signal: AbortSignal): KvError {
  const why = (code: "DEADLINE_EXCEEDED" | "REFUSED" | "NOT_READY", text: string) =>
    new KvError(code, `Cannot hash the state of ${address}: ${text}`);
  if (answer instanceof KvError) {
    if (signal.aborted) return why("DEADLINE_EXCEEDED", "no time is left");
    return answer.code === "CANCELLED" ? why("DEADLINE_EXCEEDED", "it does not answer") : answer;
  }
  if (answer.gid !== gid) return why("REFUSED", `it belongs to group ${answer.gid}`);
  return why("NOT_READY", `it is at ${answer.index} while others are elsewhere; try again`);
}

/** What more than half of all are; undefined if there is no such thing. */
function mostOf(hashes: readonly string[]): string | undefined {
  for (const [hash, same] of Map.groupBy(hashes, (hash) => hash)) {
    if (same.length > hashes.length / 2) return hash;
  }
  return undefined;
}
