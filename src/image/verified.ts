import {
  type Digest,
  digestAlgorithm,
  manifestDigest,
  ManifestsError,
  MAX_MANIFEST_SIZE,
  type ParsedManifest,
  parseManifest,
  parseNamed,
  verifyManifestDigest,
} from "../spec/room.ts";
import type { ImageSource, InstanceOptions } from "./types.ts";

/** Maximum depth of indexes in indexes, and of referrers of referrers; real images have one or two levels. */
export const MAX_INDEX_DEPTH = 8;

/** A manifest whose bytes match its digest. */
export interface VerifiedManifest {
  /** The digest that the bytes were verified against. */
  readonly digest: Digest;
  /** The parsed manifest with its bytes. */
  readonly manifest: ParsedManifest;
}

/**
 * Reads a manifest and verifies it against the digest of the requested instance, else against the digest in the source's
 * reference, else against the digest by which the source names it, if it does.
 *
 * @throws {DigestMismatchError} If the bytes do not match that digest.
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if the manifest is too large, `INVALID_DIGEST` if the algorithm of
 * the digest is not supported, or one of the codes of `parseManifest`.
 */
export async function readManifest(source: ImageSource, options: InstanceOptions = {}): Promise<VerifiedManifest> {
  const asked = options.instance ?? source.reference.dockerReference?.digest;
  // Fail before the request if the digest could not be verified.
  if (asked) digestAlgorithm(asked);
  const { bytes, mediaType, digest: named } = await source.getManifest(options);
  const expected = asked ?? named;
  if (bytes.length > MAX_MANIFEST_SIZE) {
    throw new ManifestsError(
      "LIMIT_EXCEEDED",
      `Cannot read a manifest of ${source.reference}: it has ${bytes.length} bytes, at most ${MAX_MANIFEST_SIZE} are allowed`,
    );
  }
  const name = expected ? `the manifest ${expected} of ${source.reference}` : `the manifest ${source.reference}`;
  return parseNamed(name, () => {
    if (expected) verifyManifestDigest(bytes, expected, name);
    return { digest: expected ?? manifestDigest(bytes), manifest: parseManifest(bytes, mediaType) };
  });
}
