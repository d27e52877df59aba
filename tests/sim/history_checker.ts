/**
 * The plainest judgement about the data: no acknowledged append is lost, none
 * happens twice, nothing is read that nobody wrote.
 */
import type { HistoryOperation } from "./history.ts";
import { type Observer, type SystemView, Violation } from "./observation.ts";
import { tokensIn } from "./workload_keys.ts";

const ONCE = "18 a write takes effect at most once";
const KEPT = "23 no acknowledged write is lost";

export class HistoryChecker implements Observer {
  operationReturned({ key, outcome }: HistoryOperation): void {
    if (outcome?.kind !== "ok") return;
    const tokens = tokensIn(outcome.value);
    if (new Set(tokens).size === tokens.length) return;
    const twice = tokens.find((token, i) => tokens.indexOf(token) !== i);
    throw new Violation(ONCE, `'${key}' holds ${twice} twice: ${outcome.value}`);
  }

  ended({ history, finalValues }: SystemView): void {
    for (const [key, value] of finalValues) {
      if (key.startsWith("log-")) checkLog(key, tokensIn(value), history);
    }
  }
}

/** A key that is only appended to holds everything acknowledged, in an order that real time allows. */
function checkLog(
  key: string,
  tokens: readonly string[],
  history: readonly HistoryOperation[],
): void {
  const positions = new Map(tokens.map((token, position) => [token, position]));
  const appends = history.filter(({ key: of, input }) => of === key && input.kind === "append");
  const acknowledged: { readonly operation: HistoryOperation; readonly position: number }[] = [];
  const written = new Set<string>();
  for (const operation of appends) {
    const { input, outcome } = operation;
    if (input.kind !== "append" || input.value === "") continue;
    const position = positions.get(input.value);
    if (outcome?.kind !== "failed") written.add(input.value);
    if (outcome?.kind !== "ok") continue;
    if (position === undefined) {
      throw new Violation(KEPT, `'${key}' lacks ${input.value}: ${tokens.join("")}`);
    }
    acknowledged.push({ operation, position });
  }
  const stranger = tokens.find((token) => !written.has(token));
  if (stranger !== undefined) {
    throw new Violation(ONCE, `'${key}' holds ${stranger}, which surely did not happen`);
  }
  checkOrder(key, acknowledged);
}

/** What returned before another began stands before it. */
function checkOrder(
  key: string,
  acknowledged: readonly { readonly operation: HistoryOperation; readonly position: number }[],
): void {
  for (const { operation: a, position } of acknowledged) {
    for (const { operation: b, position: other } of acknowledged) {
      if ((a.returned ?? Infinity) < b.invoked && position > other) {
        throw new Violation(KEPT, `'${key}' holds operation ${a.id} behind the later ${b.id}`);
      }
    }
  }
}
