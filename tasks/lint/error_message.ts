/**
 * Rule `error-message`: messages begin with a capital letter, end without a period and use no
 * contractions. Looks at string literals and templates given to `new SomethingError(...)` and
 * `invariant(...)`.
 */
import { isTestFile } from "./files.ts";

const HINT = "Say the failed action, the reason and the current value: " +
  "Cannot use 'electionTicks' 0: it must be an integer of 1 or more";

/** Finds what is wrong with the wording; undefined if nothing is. */
export function wordingFault(start: string | undefined, end: string | undefined) {
  if (start !== undefined && /^\p{Ll}/u.test(start)) return "must begin with a capital letter";
  if (end !== undefined && /[^.]\.$/.test(end.trimEnd())) return "must not end with a period";
  if (/\b(can|don|won|isn|doesn|didn|couldn)'t\b/i.test(`${start ?? ""} ${end ?? ""}`)) {
    return "must not use a contraction";
  }
  return undefined;
}

/** First and last literal text of a message; undefined where an expression stands. */
function edges(node: Deno.lint.Node): { start?: string; end?: string } | undefined {
  if (node.type === "Literal" && typeof node.value === "string") {
    return { start: node.value, end: node.value };
  }
  if (node.type === "TemplateLiteral") {
    const first = node.quasis[0]?.cooked ?? "";
    const last = node.quasis.at(-1)?.cooked ?? "";
    return { ...(first && { start: first }), ...(last && { end: last }) };
  }
  if (node.type === "BinaryExpression" && node.operator === "+") {
    const start = edges(node.left)?.start;
    const end = edges(node.right)?.end;
    return { ...(start && { start }), ...(end && { end }) };
  }
  if (node.type === "ArrowFunctionExpression") return edges(node.body);
  return undefined;
}

/** A code such as `NOT_LEADER` or `corruption`, which some errors take before the message. */
function isCode(text: string | undefined): boolean {
  return text !== undefined && /^[A-Za-z_]+$/.test(text);
}

export const errorMessageRule: Deno.lint.Rule = {
  create(context) {
    if (isTestFile(context.filename)) return {};
    const inspect = (argument: Deno.lint.Node | undefined) => {
      const text = argument && edges(argument);
      if (argument === undefined || text === undefined) return;
      const fault = wordingFault(text.start, text.end);
      if (fault === undefined) return;
      context.report({ node: argument, message: `Error message ${fault}`, hint: HINT });
    };
    return {
      NewExpression(node) {
        if (node.callee.type !== "Identifier" || !node.callee.name.endsWith("Error")) return;
        const [first, second] = node.arguments;
        inspect(first && isCode(edges(first)?.start) ? second : first);
      },
      CallExpression(node) {
        if (node.callee.type !== "Identifier" || node.callee.name !== "invariant") return;
        inspect(node.arguments[1]);
      },
    };
  },
};
