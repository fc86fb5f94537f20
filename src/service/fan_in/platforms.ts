import type { BaseList } from "../../list/room.ts";
import {
  type Descriptor,
  findPlatform,
  formatPlatform,
  isAttestation,
  ManifestsError,
  matchesPlatform,
  normalizePlatform,
} from "../../spec/room.ts";
import { badRequest } from "../refusal.ts";

/** Longest text of a platform. */
export const MAX_PLATFORM_LENGTH = 64;

/** The platform that a report names, in the one form in which platforms are compared; throws a 400 if it is not one. */
export function parsePlatform(text: string): string {
  const platform = /^[a-z0-9./:+_-]+$/.test(text) ? findPlatform(text) : undefined;
  if (platform) return formatPlatform(normalizePlatform(platform));
  throw badRequest(`${JSON.stringify(text)} is no platform such as linux/arm64/v8 or windows/amd64:10.0.20348.1`);
}

/**
 * Checks that a list has one image for each of these platforms, and nothing else but what belongs to images, such as
 * provenance.
 *
 * @param what Names the list in errors.
 * @throws {ManifestsError} With code `PLATFORM_MISMATCH`.
 */
export function requirePlatforms(list: BaseList, expected: readonly string[], what: string): void {
  const images = list.ociV1().manifests?.filter((entry) => !isAttestation(entry)) ?? [];
  const isFor = ({ platform }: Descriptor, text: string) =>
    platform !== undefined && matchesPlatform(platform, findPlatform(text)!);
  const each = expected.every((text) => images.filter((image) => isFor(image, text)).length === 1);
  if (each && images.length === expected.length) return;
  const platforms = images.map(({ platform }) => platform ? formatPlatform(normalizePlatform(platform)) : "");
  throw new ManifestsError(
    "PLATFORM_MISMATCH",
    `Cannot take ${what} for ${expected.join(", ")} as it is for ${platforms.join(", ") || "no platform"}`,
  );
}
