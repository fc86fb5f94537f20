import type { GoJsonValue, StructReader } from "../json/room.ts";
import { nonEmpty } from "../json/room.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";

/** The platform of an image (image-spec image-index.md, `platform`). */
export interface Platform {
  /** CPU architecture, a `GOARCH` value such as `arm64`. */
  readonly architecture: string;
  /** Operating system, a `GOOS` value such as `linux`. */
  readonly os: string;
  /** Version of the operating system, used by Windows images. */
  readonly osVersion?: string;
  /** Mandatory features of the operating system. */
  readonly osFeatures?: readonly string[];
  /** Variant of the CPU, such as `v8`. */
  readonly variant?: string;
}

/** Variants that a CPU runs, best first (container-libs `platform_matcher.go`). */
const COMPATIBLE_VARIANTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["arm", ["v8", "v7", "v6", "v5"]],
  ["arm64", ["v8"]],
]);

/**
 * The platforms that suit a wanted one, best first: the wanted variant, then the older ones that it can run, then none.
 *
 * @example
 * ```ts
 * import { compatiblePlatforms } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const variants = compatiblePlatforms({ os: "linux", architecture: "arm", variant: "v6" }).map((p) => p.variant);
 * assert.deepEqual(variants, ["v6", "v5", ""]);
 * ```
 */
export function compatiblePlatforms(wanted: Platform): Platform[] {
  const { os, architecture, variant = "" } = wanted;
  const known = COMPATIBLE_VARIANTS.get(architecture) ?? [];
  const from = known.indexOf(variant);
  const variants = variant === "" ? ["", ...known] : from < 0 ? [variant, ""] : [...known.slice(from), ""];
  return variants.map((v) => ({ os, architecture, variant: v }));
}

/** Variants that mean the same as none, as containerd's `platforms.Normalize` has them: builders write or omit them. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { amd64: "v1", arm: "v7", arm64: "v8" };

/** Returns a platform without its variant if that is the default of its architecture: `linux/arm64` for `linux/arm64/v8`. */
export function normalizePlatform(platform: Platform): Platform {
  const { variant = "", ...rest } = platform;
  return createPlatform({ ...rest, variant: variant === DEFAULT_VARIANTS[platform.architecture] ? "" : variant });
}

/**
 * Returns whether an instance for `platform` is the one that somebody means by `wanted`: operating system, architecture
 * and variant are equal; a default variant equals none. A version and features of the operating system have to be
 * those of the instance only if `wanted` names them.
 *
 * @example
 * ```ts
 * import { matchesPlatform, parsePlatform } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const matches = (platform: string, wanted: string) => matchesPlatform(parsePlatform(platform), parsePlatform(wanted));
 * assert.equal(matches("linux/arm64/v8", "linux/arm64"), true);
 * assert.equal(matches("linux/arm/v6", "linux/arm"), false);
 * assert.equal(matches("windows/amd64:10.0.20348.1", "windows/amd64"), true);
 * assert.equal(matches("windows/amd64", "windows/amd64:10.0.20348.1"), false);
 * ```
 */
export function matchesPlatform(platform: Platform, wanted: Platform): boolean {
  const { osVersion, osFeatures = [] } = wanted;
  const [actual, meant] = [normalizePlatform(platform), normalizePlatform(wanted)];
  return actual.os === meant.os && actual.architecture === meant.architecture && actual.variant === meant.variant &&
    (!osVersion || platform.osVersion === osVersion) &&
    osFeatures.every((feature) => platform.osFeatures?.includes(feature));
}

/**
 * Returns whether two descriptions of one image contradict each other in operating system, its version, architecture or
 * variant. What one of them does not say contradicts nothing.
 */
export function contradictsPlatform(one: Platform, other: Platform): boolean {
  const differ = (a = "", b = "") => a !== "" && b !== "" && a !== b;
  return differ(one.os, other.os) || differ(one.architecture, other.architecture) ||
    differ(one.variant, other.variant) || differ(one.osVersion, other.osVersion);
}

/** As {@linkcode matchesPlatform}, but a wanted platform that names no variant stands for all variants. */
export function matchesAnyVariant(platform: Platform, wanted: Platform): boolean {
  return matchesPlatform(wanted.variant ? platform : { ...platform, variant: "" }, wanted);
}

/**
 * Finds what somebody means by a platform: what matches it, else, if it names no variant, all of its variants.
 *
 * @param platformOf Returns the platform of an item; `undefined` for one that has none, which is never meant.
 */
export function findByPlatform<T>(
  items: readonly T[],
  wanted: Platform,
  platformOf: (item: T) => Platform | undefined,
): T[] {
  const find = (matches: typeof matchesPlatform) =>
    items.filter((item) => {
      const platform = platformOf(item);
      return platform !== undefined && matches(platform, wanted);
    });
  const exact = find(matchesPlatform);
  return exact.length > 0 ? exact : find(matchesAnyVariant);
}

/** Whether a platform says nothing at all. */
export function isEmptyPlatform(platform: Platform): boolean {
  return !platform.architecture && !platform.os && !platform.osVersion && !platform.variant &&
    !platform.osFeatures?.length;
}

/**
 * Formats a platform as {@linkcode parsePlatform} reads it: `linux/arm64/v8`, `windows/amd64:10.0.20348.1`,
 * `windows/amd64+win32k`. Returns `""` for `undefined` and for an empty platform.
 */
export function formatPlatform(platform: Platform | undefined): string {
  if (!platform) return "";
  const { os, architecture, variant, osVersion, osFeatures = [] } = platform;
  const name = [os, architecture, variant].filter(Boolean).join("/");
  return [osVersion ? `${name}:${osVersion}` : name, ...osFeatures].join("+");
}

/** `os/architecture`, then, each optional, `/variant`, `:os.version` (as crane has it) and `+feature`s (as containerd). */
const PLATFORM = /^([^/:+@\s]+)\/([^/:+@\s]+)(?:\/([^/:+@\s]+))?(?::([^/:+@\s]+))?((?:\+[^/:+@\s]+)*)$/;

/** Parses a platform; returns `undefined` for a text that is not one. See {@linkcode parsePlatform}. */
export function findPlatform(text: string): Platform | undefined {
  const [, os, architecture, variant, osVersion, features = ""] = PLATFORM.exec(text) ?? [];
  if (os === undefined) return undefined;
  return createPlatform({ os, architecture, variant, osVersion, osFeatures: features.split("+").slice(1) });
}

/**
 * Parses a platform: `os/architecture[/variant][:os.version][+os.feature…]`.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_PLATFORM`.
 *
 * @example
 * ```ts
 * import { parsePlatform } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const windows = { os: "windows", architecture: "amd64", osVersion: "10.0.20348.1" };
 * assert.deepEqual(parsePlatform("windows/amd64:10.0.20348.1"), windows);
 * ```
 */
export function parsePlatform(text: string): Platform {
  const platform = findPlatform(text);
  if (platform) return platform;
  throw new ManifestsSyntaxError(
    "INVALID_PLATFORM",
    `Cannot parse platform ${
      JSON.stringify(text)
    }: it must be as in linux/arm64, linux/arm/v7 or windows/amd64:10.0.20348.1`,
  );
}

/** Reads a platform from the `platform` member of an index entry, or from an image configuration. */
export function readPlatform(from: StructReader): Platform {
  return createPlatform({
    architecture: from.string("architecture"),
    os: from.string("os"),
    osVersion: from.string("os.version"),
    osFeatures: from.strings("os.features"),
    variant: from.string("variant"),
  });
}

/** A platform with its empty members left out. */
export function createPlatform(from: { [K in keyof Platform]?: Platform[K] | undefined }): Platform {
  const { architecture = "", os = "", osVersion, osFeatures, variant } = from;
  return {
    architecture,
    os,
    ...(osVersion ? { osVersion } : {}),
    ...(osFeatures?.length ? { osFeatures: [...osFeatures] } : {}),
    ...(variant ? { variant } : {}),
  };
}

/** The members of a platform in the order in which Go writes them. */
export function platformJson(platform: Platform): Map<string, GoJsonValue | undefined> {
  return new Map<string, GoJsonValue | undefined>([
    ["architecture", platform.architecture],
    ["os", platform.os],
    ["os.version", nonEmpty(platform.osVersion)],
    ["os.features", nonEmpty(platform.osFeatures)],
    ["variant", nonEmpty(platform.variant)],
  ]);
}
