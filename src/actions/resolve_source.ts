import type { ImageReference } from "../image/room.ts";
import { dropTagOfDigest } from "../spec/room.ts";
import { resolveImage, type Runtime } from "./runtime.ts";

/** Returns the reference of an image that is read, by its digest if the name has both a tag and a digest. */
export function resolveSource(runtime: Runtime, image: string | ImageReference): ImageReference {
  return resolveImage(runtime, typeof image === "string" ? dropTagOfDigest(image) : image);
}
