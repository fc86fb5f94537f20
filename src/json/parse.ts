import { decodeBase64, decodeUtf8 } from "../internal/room.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";
import { parseWithExactKeys } from "./exact_keys.ts";
import { type JsonSpan, walkJson } from "./scan.ts";

/** What {@linkcode parseJson} returns. */
export interface ParsedJson {
  /** The value, as `JSON.parse` makes it. */
  value: unknown;
  /** The text that was parsed. */
  text: string;
  /** Where the top value's members or items stand in the text. */
  spans: JsonSpan[];
}

/**
 * Parses bytes as JSON: strict UTF-8, no key twice in an object, bounded nesting.
 *
 * @param what Names the document in errors, as in `manifest list`.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON`.
 */
export function parseJson(bytes: Uint8Array, what: string): ParsedJson {
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch (cause) {
    throw new ManifestsSyntaxError("INVALID_JSON", `Cannot parse ${what} as it is not UTF-8`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ManifestsSyntaxError("INVALID_JSON", `Cannot parse ${what} as it is not JSON`, { cause });
  }
  const { spans, escapedKeys } = walkJson(text, what);
  return { value: escapedKeys ? parseWithExactKeys(text) : value, text, spans };
}

/**
 * Reads the members of one JSON object as Go reads a struct: names match whatever their case, `null` is absence,
 * unknown members are ignored, a wrong type is an error that names the member. Unlike Go, two members that differ
 * only in case are refused where one of them is read.
 */
export class StructReader {
  readonly #value: Record<string, unknown>;
  readonly #members = new Map<string, { name: string; value: unknown; twice: boolean }>();

  /** `what` names the document in errors; `path` the place in it, as in `manifests[3].platform`. */
  constructor(value: unknown, readonly what: string, readonly path: string = "") {
    if (!isObject(value)) {
      throw new ManifestsSyntaxError(
        "INVALID_JSON",
        `Cannot read ${path && `${path} of `}${what} as it is not an object`,
      );
    }
    this.#value = value;
    for (const [name, member] of Object.entries(value)) {
      const folded = name.toLowerCase();
      this.#members.set(folded, { name, value: member, twice: this.#members.has(folded) });
    }
  }

  /** Whether the member is there and not `null`. */
  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  /** The member as it is, whatever its type; `undefined` also for `null`. */
  value(name: string): unknown {
    return this.#get(name);
  }

  /** A string, or `undefined`. */
  string(name: string): string | undefined {
    return this.#typed(name, "a string", (v): v is string => typeof v === "string");
  }

  /** An integer that JavaScript can hold exactly, or `undefined`. */
  integer(name: string): number | undefined {
    return this.#typed(name, "an integer", (v): v is number => Number.isSafeInteger(v));
  }

  /** A boolean, or `undefined`. */
  boolean(name: string): boolean | undefined {
    return this.#typed(name, "a boolean", (v): v is boolean => typeof v === "boolean");
  }

  /** An array of strings, or `undefined`. */
  strings(name: string): string[] | undefined {
    return this.#typed(
      name,
      "an array of strings",
      (v): v is string[] => Array.isArray(v) && v.every((s) => typeof s === "string"),
    );
  }

  /** An array of strings, or a string that stands for an array of one (Docker's `strslice`), or `undefined`. */
  stringOrStrings(name: string): string[] | undefined {
    const value = this.#get(name);
    return typeof value === "string" ? [value] : this.strings(name);
  }

  /** A map from string to string, or `undefined`. */
  stringMap(name: string): Record<string, string> | undefined {
    return this.#typed(
      name,
      "an object of strings",
      (v): v is Record<string, string> => isObject(v) && Object.values(v).every((s) => typeof s === "string"),
    );
  }

  /** All members with their names as they stand, each checked to be what `expected` says. */
  entries<T>(is: (value: unknown) => boolean, expected: string): [string, T][] {
    return Object.entries(this.#value).map(([name, value]) => {
      if (!is(value)) this.fail(name, expected);
      return [name, value as T];
    });
  }

  /** Base64 text as bytes, or `undefined`. */
  bytes(name: string): Uint8Array<ArrayBuffer> | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    const bytes = decodeBase64(text);
    if (!bytes) this.fail(name, "base64");
    return bytes;
  }

  /** A nested object, or `undefined`. */
  struct(name: string): StructReader | undefined {
    const value = this.#get(name);
    return value === undefined ? undefined : new StructReader(value, this.what, this.#pathOf(name));
  }

  /** An array of objects, or `undefined`. */
  structs(name: string): StructReader[] | undefined {
    const value = this.#typed(name, "an array", (v): v is unknown[] => Array.isArray(v));
    return value?.map((item, i) => new StructReader(item, this.what, `${this.#pathOf(name)}[${i}]`));
  }

  /** Throws the error that a member is not what it must be. */
  fail(name: string, expected: string): never {
    const value = JSON.stringify(this.#get(name)) ?? "absent";
    throw new ManifestsSyntaxError(
      "INVALID_JSON",
      `Cannot read ${this.#pathOf(name)} of ${this.what} as it must be ${expected}: current value is ${
        value.slice(0, 100)
      }`,
    );
  }

  #pathOf(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  #get(name: string): unknown {
    const member = this.#members.get(name.toLowerCase());
    if (member?.twice) {
      throw new ManifestsSyntaxError(
        "INVALID_JSON",
        `Cannot read ${this.#pathOf(name)} of ${this.what} as it is there twice, with different capitals`,
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

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
