import type { ImageReference } from "../../image/room.ts";
import { resolveImage, type Runtime } from "../runtime.ts";

/** A name in a registry with both a tag and a digest, of which other names do not need the tag. */
const TAG_AND_DIGEST = /^((?:docker:\/\/)?[^@]+?):[^:/@]+(@[a-z0-9]+:[0-9a-f]+)$/;

/**
 * Returns the reference of a source. Build systems hand over names such as `quay.io/me/app:1@sha256:…`, in which the
 * digest counts.
 */
export function resolveSource(runtime: Runtime, image: string | ImageReference): ImageReference {
  return resolveImage(runtime, typeof image === "string" ? image.replace(TAG_AND_DIGEST, "$1$2") : image);
}
