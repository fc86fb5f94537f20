import { isObject } from "../json/room.ts";
import { createPlatform, type Descriptor, parseDigest, type Platform } from "../spec/room.ts";

/**
 * Checks for values that callers set. Types do not hold what `JSON.parse` or JavaScript hands over, and a list that was
 * saved with such a value could not be loaded again, by this module or by other tools.
 */

/** Returns a text. Throws a `TypeError` that names `member` otherwise. */
export function parseText(value: unknown, member: string): string {
  return typeof value === "string" ? value : fail(member, "a string", value);
}

/** Returns a copy of an array of texts. Throws a `TypeError` that names `member` otherwise. */
export function parseTexts(value: unknown, member: string): string[] {
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isTexts ? [...value] : fail(member, "an array of strings", value);
}

/** Returns a size in bytes. Throws a `RangeError` that names `member` otherwise. */
export function parseSize(value: unknown, member: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`Cannot set ${member}: it must be a number of bytes, but is ${quote(value)}`);
}

/** Returns annotations as a map. Throws a `TypeError` that names `member` otherwise. */
export function parseAnnotations(value: unknown, member: string): ReadonlyMap<string, string> {
  if (!isObject(value) || Symbol.iterator in value) return fail(member, "an object of strings", value);
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") fail(`${member}[${JSON.stringify(key)}]`, "a string", item);
  }
  return new Map(Object.entries(value as Record<string, string>));
}

/** Returns a platform; members that are missing are empty. Throws a `TypeError` that names `member` otherwise. */
export function parsePlatformValue(value: unknown, member: string): Platform {
  if (!isObject(value)) return fail(member, "a platform", value);
  for (const name of ["os", "architecture", "osVersion", "variant"]) {
    if (value[name] !== undefined) parseText(value[name], `${member}.${name}`);
  }
  if (value.osFeatures !== undefined) parseTexts(value.osFeatures, `${member}.osFeatures`);
  return createPlatform(value as Partial<Platform>);
}

/** The members of a descriptor that need not be there, copied. Throws a `TypeError` that names `member` otherwise. */
export function parseOptionalMembers(
  value: Readonly<Record<string, unknown>>,
  member: string,
): Pick<Descriptor, "urls" | "annotations" | "data" | "platform" | "artifactType"> {
  const { urls, annotations, data, platform, artifactType } = value;
  if (data !== undefined && !(data instanceof Uint8Array)) fail(`${member}.data`, "bytes (Uint8Array)", data);
  return {
    ...(urls === undefined ? {} : { urls: parseTexts(urls, `${member}.urls`) }),
    ...(annotations === undefined
      ? {}
      : { annotations: Object.fromEntries(parseAnnotations(annotations, `${member}.annotations`)) }),
    ...(data === undefined ? {} : { data: (data as Uint8Array<ArrayBuffer>).slice() }),
    ...(platform === undefined ? {} : { platform: parsePlatformValue(platform, `${member}.platform`) }),
    ...(artifactType === undefined ? {} : { artifactType: parseText(artifactType, `${member}.artifactType`) }),
  };
}

/**
 * A copy of a descriptor.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_DIGEST`.
 * @throws {RangeError} If the size is not a number of bytes.
 * @throws {TypeError} If another member has the wrong type.
 */
export function parseDescriptor(value: unknown, member: string): Descriptor {
  if (!isObject(value)) return fail(member, "a descriptor", value);
  return {
    mediaType: parseText(value.mediaType, `${member}.mediaType`),
    digest: parseDigest(parseText(value.digest, `${member}.digest`)),
    size: parseSize(value.size, `${member}.size`),
    ...parseOptionalMembers(value, member),
  };
}

/** An option that is not known may be one that matters: it is never passed over in silence. */
export function assertKnownOptions(options: object, known: Readonly<Record<string, true>>, action: string): void {
  const unknown = Object.entries(options).find(([name, value]) => value !== undefined && !Object.hasOwn(known, name));
  if (unknown) throw new TypeError(`Cannot ${action}: option ${JSON.stringify(unknown[0])} is not known`);
}

function fail(member: string, expected: string, value: unknown): never {
  throw new TypeError(`Cannot set ${member}: it must be ${expected}, but is ${quote(value)}`);
}

function quote(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 100));
  if (value === null || typeof value !== "object") return String(value);
  return Array.isArray(value) ? "an array" : `an object (${value.constructor?.name ?? "Object"})`;
}
