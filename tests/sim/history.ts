/** What clients did and what they were told: the raw material of every judgement about the data. */

/** What a client asks of one key; a call for many keys is one operation per key. */
export type OperationInput =
  | { readonly kind: "get" }
  | { readonly kind: "put"; readonly value: string }
  | { readonly kind: "append"; readonly value: string }
  | { readonly kind: "delete" }
  /** `undefined`: expected absent, or to be deleted. */
  | {
    readonly kind: "cas";
    readonly expected: string | undefined;
    readonly value: string | undefined;
  };

/**
 * - `ok`: answered; of a get `value` is what it returned, of a delete `existed`
 *   whether the key was there, of a cas `swapped` and, if not swapped, `value`
 *   what was found
 * - `failed`: surely without any effect, at any time
 * - `maybe`: has happened, happens later, or never
 */
export type OperationOutcome =
  | {
    readonly kind: "ok";
    readonly value?: string | undefined;
    readonly existed?: boolean;
    readonly swapped?: boolean;
  }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "maybe"; readonly error: string };

export interface HistoryOperation {
  readonly id: number;
  /** Number of the client, from 0. */
  readonly client: number;
  /** The caller's method, such as `putMany`; operations of one call share `call`. */
  readonly method: string;
  readonly call: number;
  readonly key: string;
  readonly input: OperationInput;
  /**
   * Position among all invocations and returns of the run: `a.returned < b.invoked`
   * says that `a` was over before `b` began.
   */
  readonly invoked: number;
  /** Virtual milliseconds. */
  readonly invokedMs: number;
  /** Undefined while it is under way. */
  returned: number | undefined;
  returnedMs: number | undefined;
  outcome: OperationOutcome | undefined;
}

/** Every operation of a run, in the order of invocation. */
export class History {
  readonly operations: HistoryOperation[] = [];
  readonly #now: () => number;
  #events = 0;
  #calls = 0;

  /** @param now Virtual milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes a call of one or more keys; all of them begin at the same moment. */
  invoke(
    client: number,
    method: string,
    inputs: Iterable<readonly [key: string, input: OperationInput]>,
  ): HistoryOperation[] {
    const invoked = ++this.#events;
    const call = ++this.#calls;
    return Array.from(inputs, ([key, input]) => {
      const operation: HistoryOperation = {
        id: this.operations.length,
        client,
        method,
        call,
        key,
        input,
        invoked,
        invokedMs: this.#now(),
        returned: undefined,
        returnedMs: undefined,
        outcome: undefined,
      };
      this.operations.push(operation);
      return operation;
    });
  }

  /** Notes the end of a call; the outcome may differ by key. */
  finish(
    operations: readonly HistoryOperation[],
    outcomeOf: (operation: HistoryOperation) => OperationOutcome,
  ): void {
    const returned = ++this.#events;
    for (const operation of operations) {
      operation.returned = returned;
      operation.returnedMs = this.#now();
      operation.outcome = outcomeOf(operation);
    }
  }
}
