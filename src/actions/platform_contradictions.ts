import { formatPlatform, normalizePlatform, type Platform } from "../spec/room.ts";

/**
 * Lists how the platform of an index entry contradicts that of the image's configuration. Fields that the configuration
 * leaves out match any value, since many builders omit them; fields that only the entry leaves out do not, since clients
 * choose by the entry alone.
 */
export function findContradictions(configured: Platform, entry: Platform | undefined): string[] {
  if (!entry || formatPlatform(entry) === "") return [];
  if (entry.os !== configured.os || entry.architecture !== configured.architecture) {
    return [`its configuration says that it is for ${formatPlatform(configured)}`];
  }
  const isSameVariant = normalizePlatform(configured).variant === normalizePlatform(entry).variant;
  const rows = [
    ["variant", configured.variant, entry.variant, isSameVariant],
    ["os.version", configured.osVersion, entry.osVersion, configured.osVersion === entry.osVersion],
  ] as const;
  return rows.flatMap(([name, value, other, isSame]) => {
    if (!value || isSame) return [];
    const listed = other ? `the list says ${JSON.stringify(other)}` : "the list has none";
    return [`its configuration says ${name} ${JSON.stringify(value)}, but ${listed}`];
  });
}
