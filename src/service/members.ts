import { encodeUtf8 } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { badRequest } from "./handler_error.ts";

/** Reads the members of a request's JSON object. Unknown, missing and mistyped members are errors with status 400. */
export class Members {
  readonly #value: Readonly<Record<string, unknown>>;

  /** Wraps a parsed value; `names` lists all members that are allowed. */
  constructor(value: unknown, names: readonly string[]) {
    if (!isObject(value)) throw badRequest("the body is not a JSON object");
    const unknown = Object.keys(value).find((name) => !names.includes(name));
    if (unknown !== undefined) throw badRequest(`unknown member ${JSON.stringify(unknown.slice(0, 100))}`);
    this.#value = value;
  }

  /** Returns a required, non-empty string of at most `maxLength` characters. */
  string(name: string, maxLength: number): string {
    return this.optionalString(name, maxLength) ?? missing(name);
  }

  /** Same as {@linkcode string}, but returns `undefined` if the member is absent. */
  optionalString(name: string, maxLength: number): string | undefined {
    const value = this.#value[name];
    return value === undefined ? undefined : readString(value, name, maxLength);
  }

  /** Returns a boolean; `preset` if the member is absent. Default of `preset`: `false`. */
  flag(name: string, preset = false): boolean {
    const value = this.#value[name] ?? preset;
    if (typeof value !== "boolean") throw badRequest(`${name} must be true or false`);
    return value;
  }

  /** Returns an array of 1 to `maxCount` different strings. */
  strings(name: string, { maxCount, maxLength }: { maxCount: number; maxLength: number }): string[] {
    const value = this.#value[name] ?? missing(name);
    if (!Array.isArray(value) || value.length === 0) throw badRequest(`${name} must be a non-empty array`);
    if (value.length > maxCount) throw badRequest(`${name} has more than ${maxCount} items`);
    const strings = value.map((item) => readString(item, name, maxLength));
    if (new Set(strings).size < strings.length) throw badRequest(`${name} contains an item twice`);
    return strings;
  }

  /** Same as {@linkcode strings}, but returns `undefined` if the member is absent. */
  optionalStrings(name: string, limits: { maxCount: number; maxLength: number }): string[] | undefined {
    return this.#value[name] === undefined ? undefined : this.strings(name, limits);
  }

  /** Returns annotations of at most `maxBytes` bytes, keys and values together; `{}` if the member is absent. */
  annotations(name: string, maxBytes: number): Record<string, string> {
    const value = this.#value[name] ?? {};
    if (!isObject(value)) throw badRequest(`${name} must be an object`);
    const entries = Object.entries(value).map(([key, text]): [string, string] => {
      if (key === "" || typeof text !== "string") {
        throw badRequest(`${name} must have non-empty keys and string values`);
      }
      return [key, text];
    });
    const size = entries.reduce((sum, entry) => sum + encodeUtf8(entry.join("")).length, 0);
    if (size > maxBytes) throw badRequest(`${name} has more than ${maxBytes} bytes`);
    return Object.fromEntries(entries);
  }
}

function readString(value: unknown, name: string, maxLength: number): string {
  if (typeof value !== "string" || value === "") throw badRequest(`${name} must be a non-empty string`);
  if (value.length > maxLength) throw badRequest(`${name} has more than ${maxLength} characters`);
  return value;
}

function missing(name: string): never {
  throw badRequest(`member ${name} is missing`);
}
