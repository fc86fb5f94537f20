import { findSimilar } from "../../internal/room.ts";
import type { EitherRule, ListRule, MapRule, Rule, TableRule, TextFormat, TextRule, ValueOf } from "./rules.ts";
import { failAt, type ListTree, type Place, type ScalarTree, type TableTree, type Tree } from "./tree.ts";
import type { Variables } from "./variables.ts";
import { findHazard } from "./yaml_tree.ts";

/**
 * Checks a value of a document by a rule, and returns it with its variables replaced.
 *
 * @param variables Replaces variables. `undefined`: the document has none.
 * @throws {ConfigFileError} If the value does not match the rule.
 */
export function checkTree<const R extends Rule>(tree: Tree, rule: R, variables?: Variables): ValueOf<R> {
  return new Checker(variables).check(tree, rule) as ValueOf<R>;
}

/** Names of the kinds of values in messages. */
const NOUNS = { scalar: "a single value", list: "a list", table: "a table" } as const;

class Checker {
  readonly #variables: Variables | undefined;

  constructor(variables: Variables | undefined) {
    this.#variables = variables;
  }

  check(tree: Tree, rule: Rule): unknown {
    switch (rule.kind) {
      case "text":
        return this.#checkText(assertKind(tree, "scalar"), rule);
      case "flag":
        return checkFlag(assertKind(tree, "scalar"));
      case "number":
        return checkNumber(assertKind(tree, "scalar"), rule.value);
      case "list":
        return this.#checkList(assertKind(tree, "list"), rule);
      case "table":
        return this.#checkTable(assertKind(tree, "table"), rule);
      case "map":
        return this.#checkMap(assertKind(tree, "table"), rule);
      case "either":
        return this.check(tree, chooseOption(tree, rule));
    }
  }

  #checkText(tree: ScalarTree, rule: TextRule): string | null {
    const { format, choices, isLiteral = false, mayBeEmpty = false } = rule;
    if (mayBeEmpty && tree.value === null) return null;
    const hazard = tree.isPlain && !format?.isSecret ? findHazard(tree.value, tree.source) : undefined;
    if (hazard) failAt(tree, explainHazard(tree.source, hazard));
    const text = isLiteral || !this.#variables ? tree.source : this.#variables.expand(tree.source, tree);
    if (choices && !choices.includes(text)) failAt(tree, explainChoice(text, choices));
    if (format) assertFormat(text, format, tree);
    return text;
  }

  #checkList(tree: ListTree, { items, isFilled = false }: ListRule): unknown[] {
    if (isFilled && tree.items.length === 0) failAt(tree, "is empty");
    return tree.items.map((item) => this.check(item, items));
  }

  #checkTable(tree: TableTree, rule: TableRule): Record<string, unknown> {
    const { members, required = [], alternatives = [] } = rule;
    const own = [...tree.members].filter(([name]) => !name.startsWith("x-"));
    for (const [name, value] of own) {
      if (!Object.hasOwn(members, name)) failAt(value, explainUnknown(name, Object.keys(members)));
    }
    const missing = required.find((name) => !tree.members.has(name));
    if (missing !== undefined) failAt(tree, `lacks the key ${JSON.stringify(missing)}`);
    for (const alternative of alternatives) assertAlternative(tree, alternative);
    return Object.fromEntries(own.map(([name, value]) => [name, this.check(value, members[name]!)]));
  }

  #checkMap(tree: TableTree, { keys, values }: MapRule): Record<string, unknown> {
    return Object.fromEntries(
      Array.from(tree.members, ([name, value]) => {
        assertFormat(name, keys, value);
        return [name, this.check(value, values)];
      }),
    );
  }
}

function assertKind<K extends Tree["kind"]>(tree: Tree, kind: K): Extract<Tree, { kind: K }> {
  if (tree.kind === kind) return tree as Extract<Tree, { kind: K }>;
  const isEmpty = tree.kind === "scalar" && tree.value === null;
  return failAt(tree, `must be ${NOUNS[kind]}, but is ${isEmpty ? "empty" : NOUNS[tree.kind]}`);
}

/** Chooses the option for the kind of a value. */
function chooseOption(tree: Tree, { options }: EitherRule): Rule {
  const kindOf = ({ kind }: Rule) => kind === "text" ? "scalar" : kind;
  const nouns = options.map((option) => option.kind === "text" ? "a text" : NOUNS[option.kind]);
  return options.find((option) => kindOf(option) === tree.kind) ??
    failAt(tree, `must be ${nouns.join(" or ")}, but is ${NOUNS[tree.kind]}`);
}

function checkFlag(tree: ScalarTree): boolean {
  if (typeof tree.value === "boolean") return tree.value;
  const meant = /^(?:y|yes|on)$/i.test(tree.source)
    ? "true"
    : /^(?:n|no|off)$/i.test(tree.source)
    ? "false"
    : undefined;
  const cure = meant === undefined ? "" : `: write ${meant}`;
  return failAt(tree, `must be true or false, but is ${JSON.stringify(tree.source)}${cure}`);
}

function checkNumber(tree: ScalarTree, expected: number): number {
  if (tree.value === expected) return expected;
  return failAt(tree, `must be ${expected}, but is ${JSON.stringify(tree.source)}`);
}

function assertFormat(text: string, format: TextFormat, at: Place): void {
  const problem = findFormatProblem(text, format);
  if (problem !== undefined) failAt(at, `must be ${format.name}: ${problem}`);
}

/** Returns why a text does not have a format; `undefined` if it does. */
function findFormatProblem(text: string, { pattern, check, isSecret }: TextFormat): string | undefined {
  const problem = isSecret ? "secrets do not belong in this file" : `current value is ${JSON.stringify(text)}`;
  if (!new RegExp(pattern, "u").test(text)) return problem;
  try {
    return check?.(text) === false ? problem : undefined;
  } catch (error) {
    // Messages of other rooms begin with their own action.
    return (error as Error).message.replace(/^Cannot [^:]*: /, "");
  }
}

/** Checks that exactly one of several sets of keys is given. */
function assertAlternative(tree: TableTree, sets: readonly (readonly string[])[]): void {
  const quote = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(" and ");
  const wishes = sets.map(quote).join(", or ");
  const begun = sets.filter((names) => names.some((name) => tree.members.has(name)));
  if (begun.length === 0) failAt(tree, `lacks a key: it must have ${wishes}`);
  if (begun.length > 1) {
    const firstKeys = begun.map((names) => [...tree.members.keys()].find((name) => names.includes(name))!);
    const [first, second] = [...tree.members.keys()].filter((name) => firstKeys.includes(name));
    failAt(tree.members.get(second!)!, `cannot be used together with ${JSON.stringify(first)}: use ${wishes}`);
  }
  const missing = begun[0]!.find((name) => !tree.members.has(name));
  if (missing !== undefined) {
    const given = begun[0]!.filter((name) => tree.members.has(name));
    failAt(tree, `has ${quote(given)}, which requires ${JSON.stringify(missing)}`);
  }
}

function explainHazard(source: string, hazard: string): string {
  if (source === "") return "is empty: write a value, or remove the key";
  return `must be a text, but ${source} ${hazard}: quote it as ${JSON.stringify(source)}`;
}

function explainUnknown(name: string, known: readonly string[]): string {
  const similar = findSimilar(name, known);
  return similar === undefined
    ? `is not a known key: use one of ${known.join(", ")}`
    : `is not a known key: did you mean ${similar}?`;
}

function explainChoice(text: string, choices: readonly string[]): string {
  const similar = findSimilar(text, choices);
  const cure = similar === undefined ? "" : `: did you mean ${similar}?`;
  return `must be ${choices.join(" or ")}, but is ${JSON.stringify(text)}${cure}`;
}
