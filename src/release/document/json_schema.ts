import type { EitherRule, ListRule, MapRule, Rule, TableRule, TextRule } from "./rules.ts";

/** A JSON Schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Identifies the version of JSON Schema: editors of YAML support draft-07 best. */
const DIALECT = "http://json-schema.org/draft-07/schema#";

/** Creates the JSON Schema of a document from its rule. */
export function createJsonSchema(rule: Rule, { id, title }: { id: string; title: string }): JsonSchema {
  return { $schema: DIALECT, $id: id, title, ...toSchema(rule) };
}

function toSchema(rule: Rule): JsonSchema {
  const { description, examples } = rule;
  return { description, ...(examples ? { examples } : {}), ...toConstraints(rule) };
}

function toConstraints(rule: Rule): JsonSchema {
  switch (rule.kind) {
    case "text":
      return describeText(rule);
    case "flag":
      return { type: "boolean" };
    case "number":
      return { const: rule.value };
    case "list":
      return describeList(rule);
    case "table":
      return describeTable(rule);
    case "map":
      return describeMap(rule);
    case "either":
      return describeEither(rule);
  }
}

function describeText({ format, choices, mayBeEmpty }: TextRule): JsonSchema {
  return {
    type: mayBeEmpty ? ["string", "null"] : "string",
    ...(choices ? { enum: choices } : {}),
    ...(format ? { pattern: format.pattern } : {}),
  };
}

function describeList({ items, isFilled }: ListRule): JsonSchema {
  return { type: "array", items: toSchema(items), ...(isFilled ? { minItems: 1 } : {}) };
}

function describeTable({ members, required, alternatives = [] }: TableRule): JsonSchema {
  return {
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(Object.entries(members).map(([name, rule]) => [name, toSchema(rule)])),
    patternProperties: { "^x-": {} },
    ...(required ? { required } : {}),
    ...(alternatives.length > 0 ? { allOf: alternatives.map(describeAlternative) } : {}),
  };
}

/** Exactly one of several sets of keys, without keys of the others. */
function describeAlternative(sets: readonly (readonly string[])[]): JsonSchema {
  return {
    oneOf: sets.map((names) => {
      const others = sets.filter((other) => other !== names).flat();
      return { required: names, not: { anyOf: others.map((name) => ({ required: [name] })) } };
    }),
  };
}

function describeMap({ keys, values }: MapRule): JsonSchema {
  return { type: "object", propertyNames: { pattern: keys.pattern }, additionalProperties: toSchema(values) };
}

function describeEither({ options }: EitherRule): JsonSchema {
  return { oneOf: options.map(toSchema) };
}
