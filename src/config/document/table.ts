import { isObject } from "../../json/room.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { formatKeyPath, type KeyPath } from "./key_path.ts";

/** A parsed document with its source positions. */
export interface ParsedDocument {
  /** Path of the document's file. */
  readonly path: string;
  /** Content of the document, as plain objects. */
  readonly value: unknown;
  /** Finds the line, starting at 1, of a value or of the table that lacks it; `undefined` if it is not known. */
  findLine(path: KeyPath): number | undefined;
}

/** A document together with the keys that were read, to report the unknown ones. */
interface ReadDocument extends ParsedDocument {
  readonly known: Set<string>;
}

/**
 * A table of a JSON, TOML or YAML document. A value of the wrong type is an error that names the file, line and key.
 */
export class ConfTable {
  readonly #document: ReadDocument;
  readonly #path: KeyPath;
  readonly #values: Readonly<Record<string, unknown>>;

  private constructor(document: ReadDocument, path: KeyPath, values: Readonly<Record<string, unknown>>) {
    this.#document = document;
    this.#path = path;
    this.#values = values;
  }

  /** Returns the outermost table of a document, which is empty for an empty document. */
  static of(document: ParsedDocument): ConfTable {
    const read = { ...document, known: new Set<string>() };
    const { value } = document;
    if (isObject(value)) return new ConfTable(read, [], value);
    const root = new ConfTable(read, [], {});
    return value === null || value === undefined ? root : root.fail(undefined, "it is not a table");
  }

  /** Path of the file that contains the table. */
  get file(): string {
    return this.#document.path;
  }

  /** Whether the value of a key is a table. */
  isTable(key: string): boolean {
    return isObject(this.#values[key]);
  }

  /** Keys that the table contains. */
  get keys(): string[] {
    return Object.keys(this.#values);
  }

  /** Whether the table contains a key. */
  has(key: string): boolean {
    return Object.hasOwn(this.#values, key);
  }

  /** Returns a string; `undefined` if the key is not set. */
  text(key: string): string | undefined {
    return this.#value(key, "a string", (value) => typeof value === "string");
  }

  /** Returns a non-empty string; `undefined` if the key is empty or not set. */
  nonEmptyText(key: string): string | undefined {
    return this.text(key) || undefined;
  }

  /** Returns a boolean; `undefined` if the key is not set. */
  boolean(key: string): boolean | undefined {
    return this.#value(key, "true or false", (value) => typeof value === "boolean");
  }

  /** Returns a non-negative integer; `undefined` if the key is not set. */
  count(key: string): number | undefined {
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
    return this.#value(key, "a whole number from 0", isCount);
  }

  /**
   * Returns an array of strings; `undefined` if the key is not set. The strings replace those of files with lower
   * precedence, or are appended to them if an item of the array is `{append = true}`.
   */
  texts(key: string, before: readonly string[] = []): readonly string[] | undefined {
    const isTexts = (value: unknown): value is unknown[] =>
      Array.isArray(value) && value.every((item) => typeof item === "string" || isAppendItem(item));
    const items = this.#value(key, "an array of strings", isTexts);
    const appends = items?.some((item) => isObject(item) && item.append === true);
    return items && [...appends ? before : [], ...items.filter((item) => typeof item === "string")];
  }

  /** Returns a table, which is empty if the key is not set. */
  table(key: string): ConfTable {
    const values = this.#value(key, "a table", isObject) ?? {};
    return new ConfTable(this.#document, [...this.#path, key], values);
  }

  /** Returns an array of tables, which is empty if the key is not set. */
  tables(key: string): ConfTable[] {
    const isTables = (value: unknown): value is Record<string, unknown>[] =>
      Array.isArray(value) && value.every(isObject);
    const items = this.#value(key, "an array of tables", isTables) ?? [];
    return items.map((values, i) => new ConfTable(this.#document, [...this.#path, key, i], values));
  }

  /** Throws a {@linkcode ConfigFileError} for a key of this table or, for `undefined`, for the table. */
  fail(key: string | undefined, problem: string): never {
    const at = key === undefined ? this.#path : [...this.#path, key];
    const { path } = this.#document;
    const place = { path, line: this.#document.findLine(at), key: formatKeyPath(at) || undefined };
    throw new ConfigFileError(place, problem);
  }

  /**
   * Returns the full paths of the keys in this table and its subtables that were not read: unknown or mistyped keys.
   */
  unknownKeys(): string[] {
    return listKeys(this.#values, this.#path).filter((key) => !this.#document.known.has(key));
  }

  #value<T>(key: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    this.#document.known.add(formatKeyPath([...this.#path, key]));
    // YAML yields `null` for a key without a value.
    const value = this.#values[key] ?? undefined;
    if (value === undefined || is(value)) return value;
    return this.fail(key, `must be ${expected}`);
  }
}

function isAppendItem(item: unknown): boolean {
  return isObject(item) && typeof item.append === "boolean";
}

function listKeys(values: Readonly<Record<string, unknown>>, path: KeyPath): string[] {
  return Object.entries(values).flatMap(([key, value]): string[] => {
    const at = [...path, key];
    if (isObject(value)) return [formatKeyPath(at), ...listKeys(value, at)];
    const items = Array.isArray(value) ? [...value.entries()] : [];
    return [
      formatKeyPath(at),
      ...items.flatMap(([i, item]) => isObject(item) && !isAppendItem(item) ? listKeys(item, [...at, i]) : []),
    ];
  });
}
