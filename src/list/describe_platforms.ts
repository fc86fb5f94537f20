import { formatPlatform, isAttestation } from "../spec/room.ts";
import type { List } from "./types.ts";

/** Returns the platforms of a list for an error, as in `its platforms are linux/amd64, linux/arm64`. */
export function describePlatforms(list: List): string {
  const entries = list.instances().map((digest) => ({
    platform: list.platform(digest),
    annotations: list.annotations(digest),
  }));
  const images = entries.filter((entry) => !isAttestation(entry));
  const platforms = [...new Set(images.map(({ platform }) => formatPlatform(platform)))].filter(Boolean);
  return platforms.length > 0 ? `its platforms are ${platforms.join(", ")}` : "it has no platforms";
}
