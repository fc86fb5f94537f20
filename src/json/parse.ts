import { decodeBase64, decodeUtf8 } from "../internal/room.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { parseWithExactKeys } from "./exact_keys.ts";
import { type JsonSpan, walkJson } from "./scan.ts";

/** Parsed document that {@linkcode parseJson} returns. */
export interface ParsedJson {
  /** Parsed value, as `JSON.parse` returns it. */
  value: unknown;
  /** Text of the document, decoded from UTF-8. */
  text: string;
  /** Positions of the members or items of the top-level value in the text. */
  spans: JsonSpan[];
}

/**
 * Parses bytes as JSON. Invalid UTF-8, duplicate keys in an object and nesting below 100 levels are errors.
 *
 * @param what Name of the document in errors, as in `manifest list`.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON`.
 */
export function parseJson(bytes: Uint8Array, what: string): ParsedJson {
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch (cause) {
    throw new ManifestsSyntaxError("INVALID_JSON", `Cannot parse ${what}: not UTF-8`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ManifestsSyntaxError("INVALID_JSON", `Cannot parse ${what}: not JSON`, { cause });
  }
  const { spans, escapedKeys } = walkJson(text, what);
  return { value: escapedKeys ? parseWithExactKeys(text) : value, text, spans };
}

/**
 * Reads the members of a JSON object as Go reads a struct: names match regardless of case, `null` means absent, and
 * unknown members are ignored. A member of the wrong type is an error with code `INVALID_JSON` that names the member.
 * Unlike Go, reading a member whose name occurs twice with different case is an error.
 */
export class StructReader {
  readonly #value: Record<string, unknown>;
  readonly #members = new Map<string, { name: string; value: unknown; twice: boolean }>();

  /** Wraps a value. `what` names the document in errors, `path` the position in it, as in `manifests[3].platform`. */
  constructor(value: unknown, readonly what: string, readonly path: string = "") {
    if (!isObject(value)) {
      throw new ManifestsSyntaxError(
        "INVALID_JSON",
        `Cannot read ${path && `${path} of `}${what}: not a JSON object`,
      );
    }
    this.#value = value;
    for (const [name, member] of Object.entries(value)) {
      const folded = name.toLowerCase();
      this.#members.set(folded, { name, value: member, twice: this.#members.has(folded) });
    }
  }

  /** Returns whether the member exists and is not `null`. */
  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** Returns a member of any type; `undefined` if it is absent or `null`. */
  value(name: string): unknown {
    return this.#get(name);
  }

  /** Returns a string; `undefined` if the member is absent. */
  string(name: string): string | undefined {
    return this.#typed(name, "a string", (v): v is string => typeof v === "string");
  }

  /** Returns an integer that JavaScript represents exactly; `undefined` if the member is absent. */
  integer(name: string): number | undefined {
    return this.#typed(name, "an integer", (v): v is number => Number.isSafeInteger(v));
  }

  /** Returns a boolean; `undefined` if the member is absent. */
  boolean(name: string): boolean | undefined {
    return this.#typed(name, "a boolean", (v): v is boolean => typeof v === "boolean");
  }

  /** Returns an array of strings; `undefined` if the member is absent. */
  strings(name: string): string[] | undefined {
    return this.#typed(
      name,
      "an array of strings",
      (v): v is string[] => Array.isArray(v) && v.every((s) => typeof s === "string"),
    );
  }

  /** Same as {@linkcode strings}, but also accepts a string for an array of one (Docker's `strslice`). */
  stringOrStrings(name: string): string[] | undefined {
    const value = this.#get(name);
    return typeof value === "string" ? [value] : this.strings(name);
  }

  /** Returns an object of strings; `undefined` if the member is absent. */
  stringMap(name: string): Record<string, string> | undefined {
    return this.#typed(
      name,
      "an object of strings",
      (v): v is Record<string, string> => isObject(v) && Object.values(v).every((s) => typeof s === "string"),
    );
  }

  /** Returns all members with their exact names. Fails if `is` rejects a value; `expected` describes it in the error. */
  entries<T>(is: (value: unknown) => boolean, expected: string): [string, T][] {
    return Object.entries(this.#value).map(([name, value]) => {
      if (!is(value)) this.fail(name, expected);
      return [name, value as T];
    });
  }

  /** Decodes base64 text; `undefined` if the member is absent. */
  bytes(name: string): Uint8Array<ArrayBuffer> | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    const bytes = decodeBase64(text);
    if (!bytes) this.fail(name, "base64");
    return bytes;
  }

  /** Returns a reader of a nested object; `undefined` if the member is absent. */
  struct(name: string): StructReader | undefined {
    const value = this.#get(name);
    return value === undefined ? undefined : new StructReader(value, this.what, this.#getPath(name));
  }

  /** Returns readers of an array of objects; `undefined` if the member is absent. */
  structs(name: string): StructReader[] | undefined {
    const value = this.#typed(name, "an array", (v): v is unknown[] => Array.isArray(v));
    return value?.map((item, i) => new StructReader(item, this.what, `${this.#getPath(name)}[${i}]`));
  }

  /** Throws the error for a member of the wrong type, with code `INVALID_JSON`. */
  fail(name: string, expected: string): never {
    const value = JSON.stringify(this.#get(name)) ?? "absent";
    throw new ManifestsSyntaxError(
      "INVALID_JSON",
      `Cannot read ${this.#getPath(name)} of ${this.what}: it must be ${expected}: current value is ${
        value.slice(0, 100)
      }`,
    );
  }

  #getPath(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  #get(name: string): unknown {
    const member = this.#members.get(name.toLowerCase());
    if (member?.twice) {
      throw new ManifestsSyntaxError(
        "INVALID_JSON",
        `Cannot read ${this.#getPath(name)} of ${this.what}: the member occurs twice, with different case`,
      );
    }
    return member?.value ?? undefined;
  }

  #typed<T>(name: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (!is(value)) this.fail(name, expected);
    return value;
  }
}

/** Returns whether a value is a JSON object: not `null`, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
