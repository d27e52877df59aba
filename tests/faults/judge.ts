/** What must hold once everything is well again: no write lost, no answer wrong, no replica different. */
import { KvClerk } from "../../client/kv_clerk.ts";
import { GrpcDialer } from "../../rpc/grpc/grpc_dialer.ts";
import { CONTROLLERS_GID, emptyConfig } from "../../shardctrler/configuration/config.ts";
import { until } from "../../tasks/cluster/deadline.ts";
import { HistoryChecker } from "../sim/history_checker.ts";
import type { HistoryOperation } from "../sim/history.ts";
import { LinearizabilityChecker } from "../sim/linearizable.ts";
import { type SystemView, Violation } from "../sim/observation.ts";
import { tokensIn } from "../sim/workload_keys.ts";
import { type FaultCluster, HEALTHY_TIMEOUT_MS } from "./fault_cluster.ts";
import { keyedClerk } from "./keyed_clerk.ts";
import type { Load } from "./load.ts";
import { requireEqualReplicas } from "./replicas.ts";

const CENSUS = "23 the store holds exactly what was written";
const ALIVE = "no process ends by itself";
/** The number that the judge has in histories. */
const JUDGE = -1;

type Values = ReadonlyMap<string, string | undefined>;

export class Judge implements AsyncDisposable {
  readonly #cluster: FaultCluster;
  readonly #clerk: KvClerk;
  /** What every key of earlier rounds holds: nobody writes them any more. */
  readonly #ledger = new Map<string, string>();

  constructor(cluster: FaultCluster) {
    this.#cluster = cluster;
    this.#clerk = new KvClerk({
      controllers: cluster.controllers,
      dialer: new GrpcDialer(),
      ownsDialer: true,
      timeoutMs: HEALTHY_TIMEOUT_MS,
    });
  }

  /**
   * Judges a load that has ended, on a cluster that is well.
   *
   * @throws {Violation} Naming the first thing that is wrong
   */
  async judge(load: Load): Promise<void> {
    const [death] = this.#cluster.deaths;
    if (death !== undefined) throw new Violation(ALIVE, `${death.label} ended: ${death.text}`);
    const finalValues = await this.#census(load);
    const { operations: history } = load.history;
    assertNoneLost(history, finalValues);
    const view: SystemView = {
      nowMs: performance.now(),
      nodes: [],
      config: emptyConfig(0),
      history,
      finalValues,
    };
    new HistoryChecker().ended(view);
    new LinearizabilityChecker().ended(view);
    for (const gid of [CONTROLLERS_GID, ...this.#cluster.gids]) {
      await requireEqualReplicas(this.#cluster, gid);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clerk.close();
  }

  /**
   * Reads every key of the load, and finds by a scan that the store holds these
   * and those of earlier rounds and no others. A write that its client has given
   * up may still happen in between: then all is read anew.
   */
  async #census(load: Load): Promise<Values> {
    return await until("writes go on for ever", HEALTHY_TIMEOUT_MS, async () => {
      const before = await this.#readAll(load);
      const stored = await this.#scanAll();
      const after = await this.#readAll(load);
      if (load.keys.some((key) => before.get(key) !== after.get(key))) return undefined;
      const expected = new Map(this.#ledger);
      for (const [key, value] of after) {
        if (value !== undefined) expected.set(`${load.prefix}${key}`, value);
      }
      compare(expected, stored);
      for (const [key, value] of expected) this.#ledger.set(key, value);
      return after;
    });
  }

  /** Its reads are part of the history: they must see every acknowledged write. */
  async #readAll({ keys, prefix, history }: Load): Promise<Values> {
    const clerk = keyedClerk(this.#clerk, prefix);
    const operations = history.invoke(
      JUDGE,
      "getMany",
      keys.map((key) => [key, { kind: "get" }] as const),
    );
    const values = new Map(
      (await clerk.getMany(keys)).map((value, i) => [keys[i] ?? "", textOf(value)]),
    );
    history.finish(operations, ({ key }) => ({ kind: "ok", value: values.get(key) }));
    return values;
  }

  async #scanAll(): Promise<Map<string, string>> {
    const stored = new Map<string, string>();
    for await (const { key, value } of this.#clerk.scan()) {
      const name = Buffer.from(key).toString();
      if (name.startsWith(PROBES)) continue;
      if (stored.has(name)) throw new Violation(CENSUS, `A scan gives '${name}' twice`);
      stored.set(name, Buffer.from(value).toString());
    }
    return stored;
  }
}

/** Keys of those who look whether the store takes writes; no part of any judgement. */
export const PROBES = "probe/";

/** @throws {Violation} Counting the acknowledged appends that are not there */
function assertNoneLost(history: readonly HistoryOperation[], finalValues: Values): void {
  const lost = lostAppends(history, finalValues);
  if (lost.length === 0) return;
  throw new LostWrites(lost);
}

export class LostWrites extends Violation {
  readonly count: number;

  constructor(lost: readonly string[]) {
    super("23 no acknowledged write is lost", `Lost: ${lost.slice(0, 20).join(" ")}`);
    this.count = lost.length;
  }
}

/** Acknowledged appends to keys that are only appended to, and that do not hold them. */
function lostAppends(
  history: readonly HistoryOperation[],
  finalValues: Values,
): string[] {
  const held = new Map<string, Set<string>>();
  return history.flatMap(({ key, input, outcome }) => {
    if (!key.startsWith("log-") || input.kind !== "append" || outcome?.kind !== "ok") return [];
    const tokens = held.get(key) ?? new Set(tokensIn(finalValues.get(key)));
    held.set(key, tokens);
    return tokens.has(input.value) ? [] : [`${key} ${input.value}`];
  });
}

function compare(expected: ReadonlyMap<string, string>, stored: ReadonlyMap<string, string>): void {
  for (const key of new Set([...expected.keys(), ...stored.keys()])) {
    const [should, does] = [expected.get(key), stored.get(key)];
    if (should === does) continue;
    const text = `'${key}' should be ${should ?? "absent"}, a scan finds ${does ?? "nothing"}`;
    throw new Violation(CENSUS, text);
  }
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}
