import type { ImageReference, NewBlob } from "../../image/room.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  ManifestsError,
  MEDIA_TYPES,
  verifyManifestDigest,
} from "../../spec/room.ts";

/** The manifests of a layout: OCI's, and, so that a mirror can keep its digests, Docker's as they are (as crane does). */
export const LAYOUT_TYPES = {
  manifestTypes: [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex],
  preservedManifestTypes: [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerList],
} as const;

const KNOWN_TYPES: readonly string[] = Object.values(LAYOUT_TYPES).flat();

/**
 * A manifest as the blob that it is in a layout.
 *
 * @param name The digest by which it is known; `undefined`: by SHA-256.
 * @throws {ManifestsError} With code `MANIFEST_REJECTED` if no layout can hold its type.
 * @throws {DigestMismatchError} Where it is not the instance that it should be.
 */
export function manifestBlob(
  bytes: Uint8Array<ArrayBuffer>,
  mediaType: string,
  name: Digest | undefined,
  reference: ImageReference,
): NewBlob & Descriptor {
  if (!KNOWN_TYPES.includes(mediaType)) {
    throw new ManifestsError(
      "MANIFEST_REJECTED",
      `Cannot write a manifest to ${reference}: type ${JSON.stringify(mediaType)} is none of ${KNOWN_TYPES.join(", ")}`,
    );
  }
  if (name) verifyManifestDigest(bytes, name, `manifest ${name} for ${reference}`);
  const identity = { digest: name ?? digestOf(bytes), size: bytes.length };
  return { mediaType, role: "config", ...identity, measured: () => identity };
}

/** Checks the manifest that `index.json` names: callers verify only what they ask for by digest. */
export function verifyNamedManifest(
  bytes: Uint8Array<ArrayBuffer>,
  { digest, size }: Descriptor,
  reference: ImageReference,
): void {
  const what = `manifest ${digest} of ${reference}`;
  verifyManifestDigest(bytes, digest, what);
  if (size === bytes.length) return;
  throw new ManifestsError(
    "SIZE_MISMATCH",
    `Cannot accept ${what} as its size differs: expected ${size} bytes, got ${bytes.length}`,
  );
}
