import type { FoundInstance } from "../../list/room.ts";
import {
  contradictsPlatform,
  createPlatform,
  formatPlatform,
  isAttestation,
  ManifestsError,
  parsePlatform,
  type Platform,
} from "../../spec/room.ts";
import type { ComposedEntry } from "./entries.ts";
import type { FoundSource } from "./find_sources.ts";
import type { ComposeSource, CompositionOptions } from "./types.ts";

/**
 * Returns the entries of one source, with the members that the caller declared.
 *
 * @throws {ManifestsError} With code `AMBIGUOUS_MANIFEST` if a declaration is for one image, but there are several;
 * `PLATFORM_MISMATCH` if the image does not have the expected platform.
 */
export function describeSource(
  { source, found }: FoundSource,
  { allowPlatformMismatch = false, onPlatformMismatch }: Pick<
    CompositionOptions,
    "allowPlatformMismatch" | "onPlatformMismatch"
  > = {},
): ComposedEntry[] {
  const { expectedPlatform, artifactType, annotations } = source;
  const platform = source.platform ?? expectedPlatform;
  const origin = String(source.image);
  const images = found.instances.filter((instance) => !isAttestation(instance));
  if ((platform !== undefined || artifactType !== undefined) && images.length !== 1) {
    throw new ManifestsError(
      "AMBIGUOUS_MANIFEST",
      `Cannot record a platform or an artifact type for ${source.image}: it contains ${images.length} images: ` +
        "name one of them by its digest",
    );
  }
  if (expectedPlatform !== undefined && !allowPlatformMismatch) assertExpected(origin, images[0]!, expectedPlatform);
  return found.instances.map((instance) => {
    if (isAttestation(instance)) return { ...instance, origin };
    const { platform: actual, digest, reference } = instance;
    const recorded = platform === undefined ? actual : replacePlatform(actual, platform);
    if (contradictsPlatform(actual, recorded)) onPlatformMismatch?.({ image: reference, digest, recorded, actual });
    return {
      ...instance,
      origin,
      platform: recorded,
      artifactType: artifactType ?? instance.artifactType,
      annotations: { ...instance.annotations, ...annotations },
    };
  });
}

/** Returns the declared platform, completed from the image's own unless they contradict each other. */
function replacePlatform(actual: Platform, declared: NonNullable<ComposeSource["platform"]>): Platform {
  const given = typeof declared === "string" ? parsePlatform(declared) : declared;
  const { os = "", architecture = "", variant, osVersion, osFeatures } = given;
  const sameOs = !os || os === actual.os;
  const sameCpu = !architecture || architecture === actual.architecture;
  return createPlatform({
    os: os || actual.os,
    architecture: architecture || actual.architecture,
    variant: variant || (sameCpu ? actual.variant : ""),
    osVersion: osVersion || (sameOs ? actual.osVersion : ""),
    osFeatures: osFeatures?.length ? osFeatures : sameOs ? actual.osFeatures : [],
  });
}

function assertExpected(origin: string, { platform }: FoundInstance, expected: string): void {
  if (!contradictsPlatform(platform, parsePlatform(expected))) return;
  throw new ManifestsError(
    "PLATFORM_MISMATCH",
    `Cannot use ${origin} for ${expected}: it is an image for ${formatPlatform(platform)}. ` +
      "Record the platform anyway with allowPlatformMismatch (--allow-platform-mismatch)",
  );
}
