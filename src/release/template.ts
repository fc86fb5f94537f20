import { findSimilar } from "../internal/room.ts";
import { parsePlatform } from "../spec/room.ts";

/** Placeholders of a template: `{arch}` as here, or `ARCH` as in manifest-tool. */
export type TemplateStyle = "braces" | "manifest-tool";

/**
 * Returns the name of a platform's image: `quay.io/me/app:{arch}{variant}` becomes `quay.io/me/app:armv7` for
 * `linux/arm/v7`.
 *
 * @param style With `manifest-tool`, the words `ARCH`, `OS`, `VARIANT` and `OSVERSION` are replaced, each once. Default:
 * `braces`.
 * @throws {RangeError} If the template has an unknown placeholder.
 * @throws {ManifestsSyntaxError} With code `INVALID_PLATFORM`.
 */
export function expandTemplate(template: string, platform: string, style: TemplateStyle = "braces"): string {
  const { os, architecture, variant = "", osVersion = "" } = parsePlatform(platform);
  const parts: Readonly<Record<string, string>> = { os, arch: architecture, variant, osversion: osVersion };
  if (style === "manifest-tool") {
    // The longest word first: OSVERSION contains OS.
    return ["OSVERSION", "VARIANT", "ARCH", "OS"].reduce(
      (text, word) => text.replace(word, () => parts[word.toLowerCase()]!),
      template,
    );
  }
  return template.replace(/\{([^}]*)\}/g, (placeholder, name: string) => {
    if (Object.hasOwn(parts, name)) return parts[name]!;
    const similar = findSimilar(name.toLowerCase(), Object.keys(parts));
    const cure = similar === undefined ? "use {os}, {arch}, {variant} or {osversion}" : `did you mean {${similar}}?`;
    throw new RangeError(`unknown placeholder ${placeholder}: ${cure}`);
  });
}
