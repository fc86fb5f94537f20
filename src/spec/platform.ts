import type { GoJsonValue, StructReader } from "../json/room.ts";
import { nonEmpty } from "../json/room.ts";

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

/** Whether operating system, architecture and variant are equal; versions and features do not matter, as in Go. */
export function matchesPlatform(platform: Platform, wanted: Platform): boolean {
  return platform.architecture === wanted.architecture && platform.os === wanted.os &&
    (platform.variant ?? "") === (wanted.variant ?? "");
}

/** Whether a platform says nothing at all. */
export function isEmptyPlatform(platform: Platform): boolean {
  return !platform.architecture && !platform.os && !platform.osVersion && !platform.variant &&
    !platform.osFeatures?.length;
}

/** A platform as people write it: `linux/arm64/v8`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** Reads a `platform` member. */
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
