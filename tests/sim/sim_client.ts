/** A client with several calls under way: draws operations, makes them, notes what came of them. */
import type { KvClerk } from "../../client/kv_clerk.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import { KvError } from "../../rpc/errors.ts";
import type { Draw } from "./draw.ts";
import type { History, OperationInput, OperationOutcome } from "./history.ts";
import type { ObserverHub } from "./observer_hub.ts";
import type { WorkloadOperation, WorkloadOptions } from "./options.ts";
import type { ReadTerms, ReplicaReader } from "./replica_reader.ts";
import { logKeyOf, sharedKeys, token } from "./workload_keys.ts";

/** One call in so many is given up by its caller. */
const ABORT_ODDS = 40;

export interface SimClientParts {
  readonly number: number;
  readonly options: WorkloadOptions;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly history: History;
  readonly hub: ObserverHub;
  readonly createClerk: () => ClientClerk;
  /** Reads a key from whichever replica: see {@linkcode ReplicaReader}. */
  readonly getAnywhere: ReplicaReader["get"];
}

/** What a client needs of a clerk. */
export type ClientClerk = Pick<
  KvClerk,
  "get" | "put" | "append" | "delete" | "cas" | "getMany" | "putMany" | "scan" | "close"
>;

type Inputs = readonly (readonly [key: string, input: OperationInput])[];

/** A call as drawn: what it asks, how to make it, what an answer says about each key. */
interface Call {
  readonly inputs: Inputs;
  readonly make: (
    clerk: ClientClerk,
    terms: ReadTerms,
  ) => Promise<(key: string) => OperationOutcome>;
  /** A call for many keys that fails may have succeeded for some. */
  readonly isPartial?: boolean;
}

export class SimClient {
  readonly #parts: SimClientParts;
  readonly #keys: readonly string[];
  /** What this client believes a key to hold, to guess right in some of its swaps. */
  readonly #lastSeen = new Map<string, string | undefined>();
  #clerk: ClientClerk;
  #tokens = 0;
  #stopped = false;

  constructor(parts: SimClientParts) {
    this.#parts = parts;
    this.#keys = sharedKeys(parts.options.keys);
    this.#clerk = parts.createClerk();
  }

  /** Makes calls one after the other until told to stop. Several may run side by side. */
  async run(): Promise<void> {
    const { clock, draw, options } = this.#parts;
    while (!this.#stopped) {
      await this.#call(draw.weighted(options.operations));
      if (draw.oneIn(options.renewOdds)) await this.#renew();
      await sleep(clock, draw.fraction() * options.thinkMaxMs);
    }
  }

  /** What is under way ends by its own deadline. */
  stop(): void {
    this.#stopped = true;
  }

  close(): Promise<void> {
    return this.#clerk.close();
  }

  async #renew(): Promise<void> {
    const old = this.#clerk;
    this.#clerk = this.#parts.createClerk();
    await old.close();
  }

  async #call(method: WorkloadOperation): Promise<void> {
    const { number, history, hub, draw, clock, options } = this.#parts;
    const { inputs, make, isPartial = false } = this.#draw(method);
    const controller = new AbortController();
    const timeoutMs = draw.between(200, options.timeoutMaxMs);
    const abort = draw.oneIn(ABORT_ODDS)
      ? clock.setTimer(() => controller.abort(), draw.fraction() * timeoutMs)
      : undefined;
    const operations = history.invoke(number, method, inputs);
    for (const operation of operations) hub.tell((all) => all.operationInvoked(operation));
    try {
      const outcomeOf = await make(this.#clerk, { timeoutMs, signal: controller.signal });
      history.finish(operations, ({ key }) => outcomeOf(key));
    } catch (error) {
      history.finish(operations, ({ input }) => outcomeOfError(error, input, isPartial));
    }
    abort?.cancel();
    for (const operation of operations) {
      this.#remember(operation.key, operation.input, operation.outcome);
      hub.tell((all) => all.operationReturned(operation));
    }
  }

  #remember(key: string, input: OperationInput, outcome: OperationOutcome | undefined): void {
    if (outcome?.kind !== "ok") return;
    if (input.kind === "get") this.#lastSeen.set(key, outcome.value);
    else if (input.kind === "put") this.#lastSeen.set(key, input.value);
    else if (input.kind === "delete") this.#lastSeen.set(key, undefined);
    else if (input.kind === "cas") {
      this.#lastSeen.set(key, outcome.swapped === true ? input.value : outcome.value);
    }
  }

  #draw(method: WorkloadOperation): Call {
    const { draw, number } = this.#parts;
    const key = draw.pick(this.#keys);
    switch (method) {
      case "get":
        return getCall(key);
      case "getAnywhere":
        return getAnywhereCall(key, this.#parts.getAnywhere);
      case "put":
        return putCall(key, this.#value());
      case "append":
        return appendCall(key, this.#token());
      case "log":
        return appendCall(draw.oneIn(2) ? logKeyOf(number) : logKeyOf(undefined), this.#token());
      case "delete":
        return deleteCall(key);
      case "cas":
        return this.#casCall(key);
      case "getMany":
        return getManyCall(this.#someKeys());
      case "putMany":
        return putManyCall(this.#someKeys().map((each) => [each, this.#value()]));
      case "scan":
        return scanCall(this.#keys);
    }
  }

  #casCall(key: string): Call {
    const { draw } = this.#parts;
    const expected = draw.oneIn(4) ? undefined : this.#lastSeen.get(key);
    return casCall(key, expected, draw.oneIn(6) ? undefined : this.#value());
  }

  #someKeys(): string[] {
    const some = this.#parts.draw.subset(this.#keys);
    return some.length > 0 ? some : [...this.#keys];
  }

  #token(): string {
    return token(this.#parts.number, ++this.#tokens);
  }

  #value(): string {
    return this.#token().padEnd(this.#parts.options.valueBytes, "_");
  }
}

function getCall(key: string): Call {
  return {
    inputs: [[key, { kind: "get" }]],
    make: async (clerk, terms) => {
      const value = textOf(await clerk.get(key, terms));
      return () => ({ kind: "ok", value });
    },
  };
}

/** One that does not answer has failed; no other is asked. */
function getAnywhereCall(key: string, getAnywhere: ReplicaReader["get"]): Call {
  return {
    inputs: [[key, { kind: "get" }]],
    make: async (_, terms) => {
      const value = textOf(await getAnywhere(key, terms));
      return () => ({ kind: "ok", value });
    },
  };
}

function putCall(key: string, value: string): Call {
  return {
    inputs: [[key, { kind: "put", value }]],
    make: async (clerk, terms) => {
      await clerk.put(key, value, terms);
      return () => ({ kind: "ok" });
    },
  };
}

function appendCall(key: string, value: string): Call {
  return {
    inputs: [[key, { kind: "append", value }]],
    make: async (clerk, terms) => {
      await clerk.append(key, value, terms);
      return () => ({ kind: "ok" });
    },
  };
}

function deleteCall(key: string): Call {
  return {
    inputs: [[key, { kind: "delete" }]],
    make: async (clerk, terms) => {
      const existed = await clerk.delete(key, terms);
      return () => ({ kind: "ok", existed });
    },
  };
}

function casCall(key: string, expected: string | undefined, value: string | undefined): Call {
  return {
    inputs: [[key, { kind: "cas", expected, value }]],
    make: async (clerk, terms) => {
      const { swapped, current } = await clerk.cas(key, { ...terms, expected, value });
      return () => ({ kind: "ok", swapped, value: textOf(current) });
    },
  };
}

function getManyCall(keys: readonly string[]): Call {
  return {
    inputs: keys.map((key) => [key, { kind: "get" }]),
    make: async (clerk, terms) => {
      const values = await clerk.getMany(keys, terms);
      return (key) => ({ kind: "ok", value: textOf(values[keys.indexOf(key)]) });
    },
  };
}

function putManyCall(entries: readonly (readonly [string, string])[]): Call {
  return {
    inputs: entries.map(([key, value]) => [key, { kind: "put", value }]),
    make: async (clerk, terms) => {
      await clerk.putMany(entries, terms);
      return () => ({ kind: "ok" });
    },
    isPartial: true,
  };
}

/** A scan reads every key of the range, those that it does not find too. */
function scanCall(keys: readonly string[]): Call {
  return {
    inputs: keys.map((key) => [key, { kind: "get" }]),
    make: async (clerk, terms) => {
      const found = new Map<string, string>();
      for await (const { key, value } of clerk.scan({ ...terms, prefix: "key-" })) {
        found.set(Buffer.from(key).toString(), Buffer.from(value).toString());
      }
      return (key) => ({ kind: "ok", value: found.get(key) });
    },
  };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}

/** @throws Whatever is no expected failure of a call: a clerk must not throw anything else */
function outcomeOfError(
  error: unknown,
  input: OperationInput,
  isPartial: boolean,
): OperationOutcome {
  if (!(error instanceof KvError)) throw error;
  const text = `${error.code}: ${error.message}`;
  const hasEffect = input.kind !== "get" && (isPartial || error.maybe);
  return { kind: hasEffect ? "maybe" : "failed", error: text };
}
