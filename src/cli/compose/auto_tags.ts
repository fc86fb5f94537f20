import { UsageError } from "../errors.ts";

/** A version as in semver.org, with or without a `v` before it. */
const VERSION = /^v?((0|[1-9]\d*)\.(\d+)\.\d+)((?:-[0-9A-Za-z.-]+)?)(?:\+[0-9A-Za-z.-]+)?$/;

/**
 * Returns the tags for a Git reference, as `auto_tag` of Drone and Woodpecker does: `1`, `1.2` and `1.2.3` for the tag
 * `v1.2.3`, without the first for versions below 1; the version alone for a pre-release; `latest` for a branch.
 *
 * @throws {UsageError} The reference is neither a branch nor a tag that is a version.
 */
export function listAutoTags(ref: string): string[] {
  if (ref.startsWith("refs/heads/")) return ["latest"];
  const [, version, major, minor, preRelease] = VERSION.exec(ref.replace(/^refs\/tags\//, "")) ?? [];
  if (version === undefined) {
    throw new UsageError(
      `--auto-tag requires a branch or a version as --ref, such as refs/tags/v1.2.3, but it is ${JSON.stringify(ref)}`,
    );
  }
  if (preRelease) return [version + preRelease];
  return [...(major === "0" ? [] : [major!]), `${major}.${minor}`, version];
}
