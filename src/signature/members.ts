import { isObject } from "../json/room.ts";

/** Names of the members that an object must have and may have. */
export interface MemberNames {
  /** Names of the required members. Default: none. */
  readonly required?: readonly string[];
  /** Names of the optional members. Default: none. */
  readonly optional?: readonly string[];
}

/**
 * Reads an object that has exactly the named members. Trust decisions are not parsed leniently: a member that one
 * reader ignores may be obeyed by another.
 *
 * @param fail Called with the problem; must throw.
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
