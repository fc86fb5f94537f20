import { encodeUtf8 } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { badRequest } from "./refusal.ts";

/** Reads the members of a request's JSON object: what is unknown, missing or of another type is a 400. */
export class Members {
  readonly #value: Readonly<Record<string, unknown>>;

  /** `names` are all members that there may be. */
  constructor(value: unknown, names: readonly string[]) {
    if (!isObject(value)) throw badRequest("its body is no JSON object");
    const unknown = Object.keys(value).find((name) => !names.includes(name));
    if (unknown !== undefined) throw badRequest(`its member ${JSON.stringify(unknown.slice(0, 100))} is unknown`);
    this.#value = value;
  }

  /** A string that is not empty, of at most so many characters; a member that must be there. */
  string(name: string, maxLength: number): string {
    return this.optionalString(name, maxLength) ?? missing(name);
  }

  /** As {@linkcode string}, or `undefined`. */
  optionalString(name: string, maxLength: number): string | undefined {
    const value = this.#value[name];
    return value === undefined ? undefined : stringOf(value, name, maxLength);
  }

  /** A boolean; `preset` if it is absent, default: `false`. */
  flag(name: string, preset = false): boolean {
    const value = this.#value[name] ?? preset;
    if (typeof value !== "boolean") throw badRequest(`${name} is not true or false`);
    return value;
  }

  /** Between one and so many different strings. */
  strings(name: string, { maxCount, maxLength }: { maxCount: number; maxLength: number }): string[] {
    const value = this.#value[name] ?? missing(name);
    if (!Array.isArray(value) || value.length === 0) throw badRequest(`${name} is no list, or an empty one`);
    if (value.length > maxCount) throw badRequest(`${name} has more than ${maxCount} items`);
    const strings = value.map((item) => stringOf(item, name, maxLength));
    if (new Set(strings).size < strings.length) throw badRequest(`${name} has an item twice`);
    return strings;
  }

  /** As {@linkcode strings}, or `undefined` if it is absent. */
  optionalStrings(name: string, limits: { maxCount: number; maxLength: number }): string[] | undefined {
    return this.#value[name] === undefined ? undefined : this.strings(name, limits);
  }

  /** Annotations, `{}` where they are absent, of at most so many bytes in all. */
  annotations(name: string, maxBytes: number): Record<string, string> {
    const value = this.#value[name] ?? {};
    if (!isObject(value)) throw badRequest(`${name} is no object`);
    const entries = Object.entries(value).map(([key, text]): [string, string] => {
      if (key === "" || typeof text !== "string") throw badRequest(`${name} has an empty key, or what is no string`);
      return [key, text];
    });
    const size = entries.reduce((sum, entry) => sum + encodeUtf8(entry.join("")).length, 0);
    if (size > maxBytes) throw badRequest(`${name} has more than ${maxBytes} bytes`);
    return Object.fromEntries(entries);
  }
}

function stringOf(value: unknown, name: string, maxLength: number): string {
  if (typeof value !== "string" || value === "") throw badRequest(`${name} is no string, or an empty one`);
  if (value.length > maxLength) throw badRequest(`${name} has more than ${maxLength} characters`);
  return value;
}

function missing(name: string): never {
  throw badRequest(`its member ${name} is missing`);
}
