import { parsePlatform } from "../spec/room.ts";

/**
 * Returns the name of a platform's image: `quay.io/me/app:{arch}{variant}` becomes `quay.io/me/app:armv7` for
 * `linux/arm/v7`.
 *
 * @throws {RangeError} If the template has an unknown placeholder.
 * @throws {ManifestsSyntaxError} With code `INVALID_PLATFORM`.
 */
export function expandTemplate(template: string, platform: string): string {
  const { os, architecture, variant = "", osVersion = "" } = parsePlatform(platform);
  const parts: Readonly<Record<string, string>> = { os, arch: architecture, variant, osversion: osVersion };
  return template.replace(/\{([^}]*)\}/g, (placeholder, name: string) => {
    if (Object.hasOwn(parts, name)) return parts[name]!;
    throw new RangeError(`unknown placeholder ${placeholder}: use {os}, {arch}, {variant} or {osversion}`);
  });
}
