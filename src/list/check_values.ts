import { isObject } from "../json/room.ts";
import { createPlatform, type Descriptor, parseDigest, type Platform } from "../spec/room.ts";

/**
 * Checks for values that callers set. Types do not hold what `JSON.parse` or JavaScript hands over, and a list that was
 * saved with such a value could not be loaded again, by this module or by other tools.
 */

/** A text. Throws a `TypeError` that names `member` otherwise. */
export function requireText(value: unknown, member: string): string {
  return typeof value === "string" ? value : fail(member, "a string", value);
}

/** A copy of an array of texts. Throws a `TypeError` that names `member` otherwise. */
export function requireTexts(value: unknown, member: string): string[] {
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isTexts ? [...value] : fail(member, "an array of strings", value);
}

/** A size in bytes. Throws a `RangeError` that names `member` otherwise. */
export function requireSize(value: unknown, member: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`Cannot set ${member}: it must be a number of bytes, but is ${quote(value)}`);
}

/** Annotations as a map. Throws a `TypeError` that names `member` otherwise. */
export function requireAnnotations(value: unknown, member: string): ReadonlyMap<string, string> {
  if (!isObject(value) || Symbol.iterator in value) return fail(member, "an object of strings", value);
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") fail(`${member}[${JSON.stringify(key)}]`, "a string", item);
  }
  return new Map(Object.entries(value as Record<string, string>));
}

/** A platform; members that are missing are empty. Throws a `TypeError` that names `member` otherwise. */
export function requirePlatform(value: unknown, member: string): Platform {
  if (!isObject(value)) return fail(member, "a platform", value);
  for (const name of ["os", "architecture", "osVersion", "variant"]) {
    if (value[name] !== undefined) requireText(value[name], `${member}.${name}`);
  }
  if (value.osFeatures !== undefined) requireTexts(value.osFeatures, `${member}.osFeatures`);
  return createPlatform(value as Partial<Platform>);
}

/** The members of a descriptor that need not be there, copied. Throws a `TypeError` that names `member` otherwise. */
export function requireOptionalMembers(
  value: Readonly<Record<string, unknown>>,
  member: string,
): Pick<Descriptor, "urls" | "annotations" | "data" | "platform" | "artifactType"> {
  const { urls, annotations, data, platform, artifactType } = value;
  if (data !== undefined && !(data instanceof Uint8Array)) fail(`${member}.data`, "bytes (Uint8Array)", data);
  return {
    ...(urls === undefined ? {} : { urls: requireTexts(urls, `${member}.urls`) }),
    ...(annotations === undefined
      ? {}
      : { annotations: Object.fromEntries(requireAnnotations(annotations, `${member}.annotations`)) }),
    ...(data === undefined ? {} : { data: (data as Uint8Array<ArrayBuffer>).slice() }),
    ...(platform === undefined ? {} : { platform: requirePlatform(platform, `${member}.platform`) }),
    ...(artifactType === undefined ? {} : { artifactType: requireText(artifactType, `${member}.artifactType`) }),
  };
}

/**
 * A copy of a descriptor.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_DIGEST`.
 * @throws {RangeError} If the size is not a number of bytes.
 * @throws {TypeError} If another member has the wrong type.
 */
export function requireDescriptor(value: unknown, member: string): Descriptor {
  if (!isObject(value)) return fail(member, "a descriptor", value);
  return {
    mediaType: requireText(value.mediaType, `${member}.mediaType`),
    digest: parseDigest(requireText(value.digest, `${member}.digest`)),
    size: requireSize(value.size, `${member}.size`),
    ...requireOptionalMembers(value, member),
  };
}

/** An option that is not known may be one that matters: it is never passed over in silence. */
export function refuseUnknownOptions(options: object, known: Readonly<Record<string, true>>, action: string): void {
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
