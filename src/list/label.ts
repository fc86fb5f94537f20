import { createPlatform, ManifestsError, type Platform } from "../spec/room.ts";
import { assertKnownOptions } from "./check_values.ts";

/** Options for {@linkcode List.label}. */
export interface LabelOptions {
  /**
   * Record the label even if it contradicts the platform of the instance.
   *
   * @default {false}
   */
  allowPlatformMismatch?: boolean | undefined;
  /**
   * Called for each contradiction that `allowPlatformMismatch` allows, with the field, such as `architecture` or
   * `OS version`, the value of the label, which is recorded, and the value that the instance had. Default: no callback.
   */
  onMismatch?: ((mismatch: { field: string; label: string; actual: string }) => unknown) | undefined;
}

const KNOWN_OPTIONS: Readonly<Record<keyof LabelOptions, true>> = { allowPlatformMismatch: true, onMismatch: true };

/**
 * Returns a platform with the fields of a label that are not empty. A label contradicts a field that has another value;
 * it may complete an empty one.
 *
 * @param name Name of the instance in the error.
 * @throws {ManifestsError} With code `PLATFORM_MISMATCH` if the label contradicts the platform.
 * @throws {TypeError} If an option is unknown.
 */
export function labelPlatform(
  platform: Platform,
  label: Partial<Platform>,
  name: string,
  options: LabelOptions,
): Platform {
  assertKnownOptions(options, KNOWN_OPTIONS, "label an instance");
  const { allowPlatformMismatch = false, onMismatch } = options;
  const assertMatch = (field: string, label: string, actual: string) => {
    if (actual === "" || actual === label) return;
    if (allowPlatformMismatch) return void onMismatch?.({ field, label, actual });
    throw new ManifestsError(
      "PLATFORM_MISMATCH",
      `Cannot label ${name}: it is for ${field} ${JSON.stringify(actual)}, not ${JSON.stringify(label)} ` +
        "(use --allow-platform-mismatch or allowPlatformMismatch to record it anyway)",
    );
  };
  const { os, architecture, variant, osVersion, osFeatures = [] } = label;
  if (os) assertMatch("OS", os, platform.os);
  if (architecture) assertMatch("architecture", architecture, platform.architecture);
  if (variant) assertMatch("variant", variant, platform.variant ?? "");
  if (osVersion) assertMatch("OS version", osVersion, platform.osVersion ?? "");
  const features = platform.osFeatures ?? [];
  const isMissing = osFeatures.some((feature) => !features.includes(feature));
  if (isMissing) assertMatch("OS features", osFeatures.join(), features.join());
  return createPlatform({
    ...platform,
    ...(os ? { os } : {}),
    ...(architecture ? { architecture } : {}),
    ...(variant ? { variant } : {}),
    ...(osVersion ? { osVersion } : {}),
    ...(isMissing ? { osFeatures } : {}),
  });
}
