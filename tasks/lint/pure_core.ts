/** Rule `pure-core`: the deciding parts do no I/O, wait for nothing and draw no chance of their own. */
import { isMachineFile, isPureFile } from "./files.ts";
import { isReference } from "./reference.ts";

const HOST_GLOBALS = new Set([
  "Deno",
  "Date",
  "Temporal",
  "Worker",
  "WebSocket",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "globalThis",
  "navigator",
  "performance",
  "process",
  "queueMicrotask",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);

type AnyFunction =
  | Deno.lint.FunctionDeclaration
  | Deno.lint.FunctionExpression
  | Deno.lint.ArrowFunctionExpression;

const HINT = "Pass the value in from the driver, or move the effect there " +
  "(time as ticks or a field of the command, chance as a Prng)";

export const pureCoreRule: Deno.lint.Rule = {
  create(context) {
    const isPure = isPureFile(context.filename);
    if (!isPure && !isMachineFile(context.filename)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `Pure code must not use ${what}`, hint: HINT });
    const reportAsync = (node: AnyFunction) => {
      if (isPure && node.async) report(node, "an async function");
    };
    return {
      Identifier(node) {
        if (HOST_GLOBALS.has(node.name) && isReference(node)) report(node, `\`${node.name}\``);
      },
      MemberExpression(node) {
        if (
          node.object.type === "Identifier" && node.object.name === "Math" &&
          node.property.type === "Identifier" && node.property.name === "random"
        ) report(node, "`Math.random`");
      },
      AwaitExpression(node) {
        if (isPure) report(node, "`await`");
      },
      FunctionDeclaration: reportAsync,
      FunctionExpression: reportAsync,
      ArrowFunctionExpression: reportAsync,
    };
  },
};
