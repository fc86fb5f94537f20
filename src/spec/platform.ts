import type { GoJsonValue, StructReader } from "../json/room.ts";
import { nonEmpty } from "../json/room.ts";
import { ManifestsSyntaxError } from "../errors/room.ts";

/** Platform of an image (image-spec image-index.md, `platform`). */
export interface Platform {
  /** CPU architecture, a `GOARCH` value such as `arm64`. */
  readonly architecture: string;
  /** Operating system, a `GOOS` value such as `linux`. */
  readonly os: string;
  /** Version of the operating system, as in Windows images. `undefined`: not specified. */
  readonly osVersion?: string;
  /** Required features of the operating system. `undefined`: none. */
  readonly osFeatures?: readonly string[];
  /** Variant of the CPU, such as `v8`. `undefined`: not specified. */
  readonly variant?: string;
}

/** Variants that a CPU can run, best first (container-libs `platform_matcher.go`). */
const COMPATIBLE_VARIANTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["arm", ["v8", "v7", "v6", "v5"]],
  ["arm64", ["v8"]],
]);

/**
 * Returns the platforms that a platform can run, best first: its own variant, then older variants, then no variant.
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
export function compatiblePlatforms(platform: Platform): Platform[] {
  const { os, architecture, variant = "" } = platform;
  const known = COMPATIBLE_VARIANTS.get(architecture) ?? [];
  const from = known.indexOf(variant);
  const variants = variant === "" ? ["", ...known] : from < 0 ? [variant, ""] : [...known.slice(from), ""];
  return variants.map((v) => ({ os, architecture, variant: v }));
}

/** Variants that builders write or omit with the same meaning, as in containerd's `platforms.Normalize`. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { amd64: "v1", arm: "v7", arm64: "v8" };

/** Returns a platform without its variant if that is the default of its architecture: `linux/arm64` for `linux/arm64/v8`. */
export function normalizePlatform(platform: Platform): Platform {
  const { variant = "", ...rest } = platform;
  return createPlatform({ ...rest, variant: variant === DEFAULT_VARIANTS[platform.architecture] ? "" : variant });
}

/**
 * Returns whether `platform` matches `requested`: operating system, architecture and variant are equal; a default variant
 * equals no variant. The version and the features of the operating system are compared only if `requested` names
 * them.
 *
 * @example
 * ```ts
 * import { matchesPlatform, parsePlatform } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const matches = (one: string, other: string) => matchesPlatform(parsePlatform(one), parsePlatform(other));
 * assert.equal(matches("linux/arm64/v8", "linux/arm64"), true);
 * assert.equal(matches("linux/arm/v6", "linux/arm"), false);
 * assert.equal(matches("windows/amd64:10.0.20348.1", "windows/amd64"), true);
 * assert.equal(matches("windows/amd64", "windows/amd64:10.0.20348.1"), false);
 * ```
 */
export function matchesPlatform(platform: Platform, requested: Platform): boolean {
  const { osVersion, osFeatures = [] } = requested;
  const [actual, expected] = [normalizePlatform(platform), normalizePlatform(requested)];
  return actual.os === expected.os && actual.architecture === expected.architecture &&
    actual.variant === expected.variant &&
    (!osVersion || platform.osVersion === osVersion) &&
    osFeatures.every((feature) => platform.osFeatures?.includes(feature));
}

/**
 * Returns whether two descriptions of one image contradict each other in operating system, its version, architecture or
 * variant. A member that one of them lacks does not contradict the other.
 */
export function contradictsPlatform(one: Platform, other: Platform): boolean {
  const differ = (a = "", b = "") => a !== "" && b !== "" && a !== b;
  return differ(one.os, other.os) || differ(one.architecture, other.architecture) ||
    differ(one.variant, other.variant) || differ(one.osVersion, other.osVersion);
}

/** Same as {@linkcode matchesPlatform}, but a requested platform without a variant matches all variants. */
export function matchesAnyVariant(platform: Platform, requested: Platform): boolean {
  return matchesPlatform(requested.variant ? platform : { ...platform, variant: "" }, requested);
}

/**
 * Finds the items for a platform: those that match it, or, if there are none and it has no variant, all of its variants.
 *
 * @param getPlatform Returns the platform of an item; `undefined` for an item without a platform, which never matches.
 */
export function findByPlatform<T>(
  items: readonly T[],
  requested: Platform,
  getPlatform: (item: T) => Platform | undefined,
): T[] {
  const find = (matches: typeof matchesPlatform) =>
    items.filter((item) => {
      const platform = getPlatform(item);
      return platform !== undefined && matches(platform, requested);
    });
  const exact = find(matchesPlatform);
  return exact.length > 0 ? exact : find(matchesAnyVariant);
}

/** Returns whether all members of a platform are empty. */
export function isEmptyPlatform(platform: Platform): boolean {
  return !platform.architecture && !platform.os && !platform.osVersion && !platform.variant &&
    !platform.osFeatures?.length;
}

/**
 * Formats a platform as {@linkcode parsePlatform} reads it: `linux/arm64/v8`, `windows/amd64:10.0.20348.1`,
 * `windows/amd64+win32k`. Returns `""` for `undefined` and for an empty platform.
 *
 * @example
 * ```ts
 * import { formatPlatform } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.equal(formatPlatform({ os: "linux", architecture: "arm64", variant: "v8" }), "linux/arm64/v8");
 * ```
 */
export function formatPlatform(platform: Platform | undefined): string {
  if (!platform) return "";
  const { os, architecture, variant, osVersion, osFeatures = [] } = platform;
  const name = [os, architecture, variant].filter(Boolean).join("/");
  return [osVersion ? `${name}:${osVersion}` : name, ...osFeatures].join("+");
}

/** `os/architecture[/variant][:os.version][+feature…]`: the version is crane's syntax, the features are containerd's. */
const PLATFORM = /^([^/:+@\s]+)\/([^/:+@\s]+)(?:\/([^/:+@\s]+))?(?::([^/:+@\s]+))?((?:\+[^/:+@\s]+)*)$/;

/**
 * Parses a platform, as {@linkcode parsePlatform} does; returns `undefined` if the text is not a platform.
 *
 * @example
 * ```ts
 * import { findPlatform } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(findPlatform("linux/amd64"), { os: "linux", architecture: "amd64" });
 * assert.equal(findPlatform("linux"), undefined);
 * ```
 */
export function findPlatform(text: string): Platform | undefined {
  const [, os, architecture, variant, osVersion, features = ""] = PLATFORM.exec(text) ?? [];
  if (os === undefined) return undefined;
  return createPlatform({ os, architecture, variant, osVersion, osFeatures: features.split("+").slice(1) });
}

/**
 * Parses a platform: `os/architecture[/variant][:os.version][+os.feature…]`.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_PLATFORM` if the text is not a platform.
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

/**
 * Creates a platform without empty optional members.
 *
 * @example
 * ```ts
 * import { createPlatform } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const platform = createPlatform({ os: "linux", architecture: "arm64", variant: "", osFeatures: [] });
 * assert.deepEqual(platform, { os: "linux", architecture: "arm64" });
 * ```
 */
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

/** Returns the members of a platform, in the order in which Go writes them. */
export function platformJson(platform: Platform): Map<string, GoJsonValue | undefined> {
  return new Map<string, GoJsonValue | undefined>([
    ["architecture", platform.architecture],
    ["os", platform.os],
    ["os.version", nonEmpty(platform.osVersion)],
    ["os.features", nonEmpty(platform.osFeatures)],
    ["variant", nonEmpty(platform.variant)],
  ]);
}
