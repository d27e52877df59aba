/** Telling a use of a global apart from a member, a key or a declaration that has the same name. */

type Parent = { type: string } & Record<string, unknown>;

/** Fields that hold a name which refers to nothing, by the type of the parent node. */
const NAME_ONLY: Readonly<Record<string, readonly string[]>> = {
  MemberExpression: ["property"],
  Property: ["key"],
  MethodDefinition: ["key"],
  PropertyDefinition: ["key"],
  TSPropertySignature: ["key"],
  TSMethodSignature: ["key"],
  TSAbstractMethodDefinition: ["key"],
  ImportSpecifier: ["imported", "local"],
  ExportSpecifier: ["exported"],
  LabeledStatement: ["label"],
  TSNamedTupleMember: ["label"],
};

/** True if the identifier stands for a value or type, not for a property of something else. */
export function isReference(node: Deno.lint.Identifier): boolean {
  const parent = (node as unknown as { parent: Parent }).parent;
  if (parent["computed"] === true) return true;
  const fields = NAME_ONLY[parent.type] ?? [];
  return !fields.some((field) => sameNode(parent[field], node)) || isShorthand(parent);
}

function isShorthand(parent: Parent): boolean {
  return parent.type === "Property" && parent["shorthand"] === true;
}

function sameNode(candidate: unknown, node: Deno.lint.Identifier): boolean {
  const range = (candidate as Deno.lint.Identifier | undefined)?.range;
  return range !== undefined && range[0] === node.range[0] && range[1] === node.range[1];
}
