/**
 * Rule `constant-name`: what a module knows from the start (numbers, texts, and tables of them) is
 * written in CONSTANT_CASE, so that a reader sees at its use that it never changes.
 */

const HINT = "Name it in CONSTANT_CASE, or make it inside the function that changes it";

/** Calls that make a value of what they are given, and nothing else. */
const MAKERS = new Set(["Buffer.from", "Buffer.of", "Buffer.alloc", "Object.freeze", "Symbol"]);
const COLLECTIONS = new Set(["Set", "Map", "Uint8Array"]);

function isConstantCase(name: string): boolean {
  return /^[A-Z][A-Z0-9_]*$/.test(name);
}

function nameOf(node: Deno.lint.Node): string {
  if (node.type === "Identifier") return node.name;
  if (node.type !== "MemberExpression") return "";
  return `${nameOf(node.object)}.${nameOf(node.property)}`;
}

/** Whether the value is written down here and nowhere else. */
function isStatic(node: Deno.lint.Node | null): boolean {
  switch (node?.type) {
    case "Literal":
      return true;
    case "Identifier":
      return isConstantCase(node.name);
    case "TSAsExpression":
    case "TSSatisfiesExpression":
      return isStatic(node.expression);
    case "UnaryExpression":
    case "SpreadElement":
      return isStatic(node.argument);
    case "BinaryExpression":
      return isStatic(node.left) && isStatic(node.right);
    case "TemplateLiteral":
      return node.expressions.every(isStatic);
    case "ArrayExpression":
      return node.elements.every(isStatic);
    case "ObjectExpression":
      return node.properties.every((property) =>
        isStatic(property.type === "Property" ? property.value : property)
      );
    case "CallExpression":
      return MAKERS.has(nameOf(node.callee)) && node.arguments.every(isStatic);
    case "NewExpression": {
      // An empty collection is there to be filled.
      const made = node.arguments.length > 0 && COLLECTIONS.has(nameOf(node.callee));
      return made && node.arguments.every(isStatic);
    }
    default:
      return false;
  }
}

export const constantNameRule: Deno.lint.Rule = {
  create(context) {
    return {
      VariableDeclaration(node) {
        const { parent } = node;
        const isTop = parent.type === "Program" || parent.type === "ExportNamedDeclaration";
        if (node.kind !== "const" || !isTop) return;
        for (const { id, init } of node.declarations) {
          if (id.type !== "Identifier" || isConstantCase(id.name) || !isStatic(init)) continue;
          context.report({ node: id, message: `\`${id.name}\` is a constant`, hint: HINT });
        }
      },
    };
  },
};
