import type { ImageReference, NewBlob } from "../../image/room.ts";
import {
  type Descriptor,
  type Digest,
  digestOf,
  ManifestsError,
  MEDIA_TYPES,
  verifyManifestDigest,
} from "../../spec/room.ts";

/** The manifests that a layout can hold. */
export const MANIFEST_TYPES: readonly string[] = [MEDIA_TYPES.ociManifest, MEDIA_TYPES.ociIndex];

/**
 * A manifest as the blob that it is in a layout.
 *
 * @throws {ManifestsError} With code `MANIFEST_REJECTED` where its type is not OCI's.
 * @throws {DigestMismatchError} Where it is not the instance that it should be.
 */
export function manifestBlob(
  bytes: Uint8Array<ArrayBuffer>,
  mediaType: string,
  instance: Digest | undefined,
  reference: ImageReference,
): NewBlob & Descriptor {
  if (!MANIFEST_TYPES.includes(mediaType)) {
    throw new ManifestsError(
      "MANIFEST_REJECTED",
      `Cannot write a manifest to ${reference} as its type is not OCI's: current value is ${JSON.stringify(mediaType)}`,
    );
  }
  if (instance) verifyManifestDigest(bytes, instance, `manifest ${instance} for ${reference}`);
  const identity = { digest: instance ?? digestOf(bytes), size: bytes.length };
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
