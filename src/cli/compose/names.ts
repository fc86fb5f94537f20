import { isObject, parseJson } from "../../json/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import { UsageError } from "../errors.ts";

/**
 * Reads a list of names: lines, or several names in a line separated by commas; or JSON, which is an array of names, an
 * object with such an array as docker/metadata-action writes it, or a bake file with such arrays in its targets.
 *
 * @param member Member of the object that has the names, such as `tags`.
 * @param origin Flag and file that have the text, for messages, such as `--tags-from tags.json`.
 * @throws {UsageError} If the text is JSON of another form.
 */
export function parseNames(text: string, member: string, origin: string): string[] {
  const trimmed = text.trim();
  if (!/^[[{]/.test(trimmed)) return trimmed.split(/[\n,]/).map((name) => name.trim()).filter((name) => name !== "");
  const names = findNames(readJson(trimmed, origin), member);
  if (names) return names.map((name) => name.trim()).filter((name) => name !== "");
  throw new UsageError(`${origin}: the JSON must be an array of names, or an object with the array ${member}`);
}

/** Parses JSON that a flag names. */
export function readJson(text: string, origin: string): unknown {
  try {
    return parseJson(encodeUtf8(text), origin).value;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function findNames(value: unknown, member: string): string[] | undefined {
  if (Array.isArray(value)) return value.every((name) => typeof name === "string") ? value : undefined;
  if (!isObject(value)) return undefined;
  if (value[member] !== undefined) return Array.isArray(value[member]) ? findNames(value[member], member) : undefined;
  if (!isObject(value.target)) return undefined;
  const targets = Object.values(value.target).map((target) => isObject(target) ? findNames(target, member) : undefined);
  const found = targets.filter((names) => names !== undefined);
  return found.length > 0 ? [...new Set(found.flat())] : undefined;
}
