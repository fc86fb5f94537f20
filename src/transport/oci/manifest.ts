import type { ImageReference, NewBlob } from "../../image/room.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  ManifestsError,
  MEDIA_TYPES,
  verifyManifestDigest,
} from "../../spec/room.ts";

/**
 * Media types of manifests in a layout: OCI's, and Docker's unconverted, so that a mirror keeps its digests (as crane).
 */
export const LAYOUT_TYPES = {
  manifestTypes: [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex],
  preservedManifestTypes: [MEDIA_TYPES.dockerManifest, MEDIA_TYPES.dockerList],
} as const;

const KNOWN_TYPES: readonly string[] = Object.values(LAYOUT_TYPES).flat();

/**
 * Describes a manifest as the blob that it becomes in a layout.
 *
 * @param name Digest by which the manifest is named. If `undefined`, its SHA-256 digest.
 * @throws {ManifestsError} With code `MANIFEST_REJECTED` if a layout cannot contain its media type.
 * @throws {DigestMismatchError} If the bytes do not have the digest `name`.
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
      `Cannot write a manifest to ${reference}: type ${JSON.stringify(mediaType)} is not one of ${
        KNOWN_TYPES.join(", ")
      }`,
    );
  }
  if (name) verifyManifestDigest(bytes, name, `manifest ${name} for ${reference}`);
  const identity = { digest: name ?? digestOf(bytes), size: bytes.length };
  return { mediaType, role: "config", ...identity, measured: () => identity };
}

/** Verifies a manifest that `index.json` names: callers verify only manifests that they request by digest. */
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
    `Cannot accept ${what}: its size differs: expected ${size} bytes, got ${bytes.length}`,
  );
}
