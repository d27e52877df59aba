/** Rule `pure-core`: the deciding parts do no I/O, wait for nothing and draw no chance of their own. */
import { isPureFile } from "./files.ts";
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

const HINT = "Pass the value in from the driver, or move the effect there " +
  "(time as ticks or a field of the command, chance as a Prng)";

export const pureCoreRule: Deno.lint.Rule = {
  create(context) {
    if (!isPureFile(context.filename)) return {};
    const report = (node: Deno.lint.Node, what: string) =>
      context.report({ node, message: `Pure code must not use ${what}`, hint: HINT });
    const reportAsync = (node: Deno.lint.FunctionDeclaration | Deno.lint.FunctionExpression) => {
      if (node.async) report(node, "an async function");
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
        report(node, "`await`");
      },
      FunctionDeclaration: reportAsync,
      FunctionExpression: reportAsync,
      ArrowFunctionExpression(node) {
        if (node.async) report(node, "an async function");
      },
    };
  },
};
