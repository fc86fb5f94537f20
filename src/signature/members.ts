import { isObject } from "../json/room.ts";

/** Which members an object must and may have. */
export interface MemberNames {
  /** Members that must be there. */
  readonly required?: readonly string[];
  /** Members that may be there. */
  readonly optional?: readonly string[];
}

/**
 * Reads an object that has the members which are named and no others, spelled exactly so. What decides about trust is
 * not read leniently: a member that one reader ignores is one that another obeys.
 *
 * @param fail Is told what is wrong and throws.
 */
export function readMembers(
  value: unknown,
  names: MemberNames,
  fail: (problem: string) => never,
): ReadonlyMap<string, unknown> {
  if (!isObject(value)) fail("JSON object expected");
  const { required = [], optional = [] } = names;
  const members = new Map(Object.entries(value));
  for (const name of members.keys()) {
    if (!required.includes(name) && !optional.includes(name)) fail(`Unknown key ${JSON.stringify(name.slice(0, 100))}`);
  }
  for (const name of required) {
    if (!members.has(name)) fail(`Key ${JSON.stringify(name)} missing in a JSON object`);
  }
  return members;
}
