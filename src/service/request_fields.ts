import { encodeUtf8 } from "../internal/room.ts";
import { isObject } from "../json/room.ts";
import { badRequest } from "./handler_error.ts";

/** JSON Schema of a value, as OpenAPI 3.1 uses it. */
export type Schema = Readonly<Record<string, unknown>>;

/** Place of a request's values: the members of its JSON object, or the parameters of its URL. */
export type FieldKind = "member" | "query parameter";

/** Check of one value of a request, and its description for the OpenAPI document. */
export interface Field<T> {
  /** Description of the value, for the OpenAPI document. */
  readonly schema: Schema;
  /** Whether a request without the value is refused. */
  readonly isRequired: boolean;
  /** Returns the checked value; throws an error with status 400 if it is invalid. `undefined` if it is absent. */
  read(value: unknown, name: string): T;
}

/** All values that a request may have, by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** Checked values of a request. */
export type Values<F extends Fields> = { readonly [name in keyof F]: F[name] extends Field<infer T> ? T : never };

/** Limits on a list of texts. */
export interface TextsLimits {
  /** Maximum number of texts in the list. */
  readonly maxCount: number;
  /** Maximum length of each text, in characters. */
  readonly maxLength: number;
}

/** Checks the values of a request. Unknown, missing and invalid values are errors with status 400. */
export function readFields<F extends Fields>(value: unknown, fields: F, kind: FieldKind): Values<F> {
  if (!isObject(value)) throw badRequest("the body is not a JSON object");
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) throw badRequest(`unknown ${kind} ${JSON.stringify(unknown.slice(0, 100))}`);
  const entries = Object.entries(fields).map(([name, field]) => {
    if (value[name] === undefined && field.isRequired) throw badRequest(`${kind} ${name} is missing`);
    return [name, field.read(value[name], name)];
  });
  return Object.fromEntries(entries);
}

/** A required, non-empty text of at most `maxLength` characters. */
export function text(description: string, maxLength: number): Field<string> {
  return {
    schema: { type: "string", minLength: 1, maxLength, description },
    isRequired: true,
    read: (value, name) => readText(value, name, maxLength),
  };
}

/** A required array of 1 to `maxCount` different texts. */
export function texts(description: string, { maxCount, maxLength }: TextsLimits): Field<string[]> {
  const items = { type: "string", minLength: 1, maxLength };
  return {
    schema: { type: "array", minItems: 1, maxItems: maxCount, uniqueItems: true, items, description },
    isRequired: true,
    read(value, name) {
      if (!Array.isArray(value) || value.length === 0) throw badRequest(`${name} must be a non-empty array`);
      if (value.length > maxCount) throw badRequest(`${name} has more than ${maxCount} items`);
      const read = value.map((item) => readText(item, name, maxLength));
      if (new Set(read).size < read.length) throw badRequest(`${name} contains an item twice`);
      return read;
    },
  };
}

/** An optional boolean with the given default. */
export function flag(description: string, preset = false): Field<boolean> {
  return {
    schema: { type: "boolean", default: preset, description },
    isRequired: false,
    read(value = preset, name) {
      if (typeof value !== "boolean") throw badRequest(`${name} must be true or false`);
      return value;
    },
  };
}

/** An optional integer from 1 to `maximum`, in a query parameter. */
export function count(description: string, { preset, maximum }: { preset: number; maximum: number }): Field<number> {
  return {
    schema: { type: "integer", minimum: 1, maximum, default: preset, description },
    isRequired: false,
    read(value = `${preset}`, name) {
      const number = /^[0-9]{1,9}$/.test(String(value)) ? Number(value) : 0;
      if (number < 1 || number > maximum) throw badRequest(`${name} must be an integer from 1 to ${maximum}`);
      return number;
    },
  };
}

/** Optional annotations of at most `maxBytes` bytes, keys and values together. Default: `{}`. */
export function annotations(description: string, maxBytes: number): Field<Record<string, string>> {
  return {
    schema: {
      type: "object",
      propertyNames: { minLength: 1 },
      additionalProperties: { type: "string" },
      description: `${description} At most ${maxBytes} bytes, keys and values together.`,
    },
    isRequired: false,
    read(value = {}, name) {
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
    },
  };
}

/** Returns the same field, but `undefined` instead of an error if the value is absent. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    ...field,
    isRequired: false,
    read: (value, name) => value === undefined ? undefined : field.read(value, name),
  };
}

function readText(value: unknown, name: string, maxLength: number): string {
  if (typeof value !== "string" || value === "") throw badRequest(`${name} must be a non-empty string`);
  if (value.length > maxLength) throw badRequest(`${name} has more than ${maxLength} characters`);
  return value;
}
