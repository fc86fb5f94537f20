import {
  type Digest,
  digestAlgorithm,
  manifestDigest,
  ManifestsError,
  MAX_MANIFEST_SIZE,
  type ParsedManifest,
  parseManifest,
  verifyManifestDigest,
} from "../spec/room.ts";
import type { ImageSource, InstanceOptions } from "./types.ts";

/** A manifest that was read from a source and is what it was asked for. */
export interface VerifiedManifest {
  /** The digest by which it is known. */
  readonly digest: Digest;
  /** The manifest. */
  readonly manifest: ParsedManifest;
}

/**
 * Reads a manifest and verifies it: against the digest of the instance that was asked for, else against the digest in
 * the source's reference, else against the one by which the source names it, if there is one.
 *
 * @throws {DigestMismatchError} Where it is another.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED`; `INVALID_DIGEST` if the digest's algorithm is not supported; or
 * one of `parseManifest`.
 */
export async function readManifest(source: ImageSource, options: InstanceOptions = {}): Promise<VerifiedManifest> {
  const asked = options.instance ?? source.reference.dockerReference?.digest;
  // Nothing is read that could not be verified.
  if (asked) digestAlgorithm(asked);
  const { bytes, mediaType, digest: named } = await source.getManifest(options);
  const expected = asked ?? named;
  if (bytes.length > MAX_MANIFEST_SIZE) {
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read a manifest of ${source.reference} as it has more than ${MAX_MANIFEST_SIZE} bytes: it has ${bytes.length}`,
    );
  }
  if (expected) verifyManifestDigest(bytes, expected, `the manifest ${expected} of ${source.reference}`);
  return { digest: expected ?? manifestDigest(bytes), manifest: parseManifest(bytes, mediaType) };
}
