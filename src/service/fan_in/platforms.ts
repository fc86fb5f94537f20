import type { List } from "../../list/room.ts";
import {
  type Descriptor,
  findPlatform,
  formatPlatform,
  isAttestation,
  ManifestsError,
  matchesPlatform,
  normalizePlatform,
} from "../../spec/room.ts";
import { badRequest } from "../handler_error.ts";

/** Maximum length of a platform, in characters. */
export const MAX_PLATFORM_LENGTH = 64;

/** Returns the normalised form of a platform in a report; throws an error with status 400 if it is not a platform. */
export function normalizePlatformText(text: string): string {
  const platform = /^[a-z0-9./:+_-]+$/.test(text) ? findPlatform(text) : undefined;
  if (platform) return formatPlatform(normalizePlatform(platform));
  throw badRequest(`${JSON.stringify(text)} is not a platform such as linux/arm64/v8 or windows/amd64:10.0.20348.1`);
}

/**
 * Asserts that a list has exactly one image for each of these platforms. Attestations are ignored.
 *
 * @param what Name of the list in errors.
 * @throws {ManifestsError} With code `PLATFORM_MISMATCH`.
 */
export function assertPlatforms(list: List, expected: readonly string[], what: string): void {
  const images = list.ociV1().manifests?.filter((entry) => !isAttestation(entry)) ?? [];
  const isFor = ({ platform }: Descriptor, text: string) =>
    platform !== undefined && matchesPlatform(platform, findPlatform(text)!);
  const hasEach = expected.every((text) => images.filter((image) => isFor(image, text)).length === 1);
  if (hasEach && images.length === expected.length) return;
  const platforms = images.map(({ platform }) => formatPlatform(platform && normalizePlatform(platform)));
  throw new ManifestsError(
    "PLATFORM_MISMATCH",
    `Cannot accept ${what} for ${expected.join(", ")}: the platform is ${platforms.join(", ") || "missing"}`,
  );
}
