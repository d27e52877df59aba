/** Rule `host-time`: time comes from a Clock and chance from a Prng, so that a simulator can own both. */
import { mayUseHost } from "./files.ts";
import { isReference } from "./reference.ts";

const TIMERS = new Set(["setTimeout", "setInterval", "clearTimeout", "clearInterval"]);

/** Members of globals that read the host's clock or its chance. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ["now"],
  performance: ["now", "timeOrigin"],
  Math: ["random"],
  crypto: ["getRandomValues", "randomUUID"],
  AbortSignal: ["timeout"],
};

const CLOCK_HINT = "Take a `Clock` (runtime/clock.ts) as an option; entry points pass systemClock";
const PRNG_HINT = "Take a `Prng` (runtime/prng.ts) as an option; entry points seed it";

export const hostTimeRule: Deno.lint.Rule = {
  create(context) {
    if (mayUseHost(context.filename)) return {};
    return {
      Identifier(node) {
        if (!TIMERS.has(node.name) || !isReference(node)) return;
        const message = `\`${node.name}\` works on the host's time`;
        context.report({ node, message, hint: CLOCK_HINT });
      },
      NewExpression(node) {
        if (node.callee.type !== "Identifier" || node.callee.name !== "Date") return;
        if (node.arguments.length > 0) return;
        const message = "`new Date()` reads the host's clock";
        context.report({ node, message, hint: CLOCK_HINT });
      },
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
        const name = `${node.object.name}.${node.property.name}`;
        if (!MEMBERS[node.object.name]?.includes(node.property.name)) return;
        const isChance = node.object.name === "Math" || node.object.name === "crypto";
        const message = isChance ? `\`${name}\` cannot be replayed` : `\`${name}\` is host time`;
        context.report({ node, message, hint: isChance ? PRNG_HINT : CLOCK_HINT });
      },
    };
  },
};
