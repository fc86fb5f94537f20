import type { BaseList } from "../../list/room.ts";
import { formatPlatform, ManifestsError } from "../../spec/room.ts";
import { badRequest } from "../refusal.ts";

/** Longest text of a platform. */
export const MAX_PLATFORM_LENGTH = 64;

/** Variants that say nothing, as containerd's `platforms.Normalize` has them: builders write or omit them. */
const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { amd64: "v1", arm: "v7", arm64: "v8" };

/** The platform that a report names, in the one form in which platforms are compared; throws a 400 where it is none. */
export function parsePlatform(text: string): string {
  const [, os, architecture, variant] = /^([a-z0-9]+)\/([a-z0-9]+)(?:\/([a-z0-9.]+))?$/.exec(text) ?? [];
  if (!os || !architecture) throw badRequest(`${JSON.stringify(text)} is no platform such as linux/arm64/v8`);
  return normalizePlatform({ os, architecture, variant });
}

/**
 * Checks that a list has one image for each of these platforms, and nothing else but what belongs to images, such as
 * provenance.
 *
 * @param what Names the list in errors.
 * @throws {ManifestsError} With code `PLATFORM_MISMATCH`.
 */
export function requirePlatforms(list: BaseList, expected: readonly string[], what: string): void {
  const platforms = list.instances().map((digest) =>
    normalizePlatform({ os: list.os(digest), architecture: list.architecture(digest), variant: list.variant(digest) })
  ).filter((platform) => platform !== "unknown/unknown");
  if (platforms.toSorted().join() === expected.toSorted().join()) return;
  throw new ManifestsError(
    "PLATFORM_MISMATCH",
    `Cannot take ${what} for ${expected.join(", ")} as it is for ${platforms.join(", ") || "no platform"}`,
  );
}

function normalizePlatform(
  { os, architecture, variant = "" }: { os: string; architecture: string; variant?: string | undefined },
): string {
  return formatPlatform({
    os,
    architecture,
    variant: variant === DEFAULT_VARIANTS[architecture] ? "" : variant,
  });
}
