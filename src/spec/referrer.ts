import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { isObject } from "../json/room.ts";
import { isIndex, manifestDigest, type ParsedManifest } from "./manifest.ts";

/** Manifest that refers to another one by its `subject` (image-spec manifest.md). */
export interface Referrer {
  /** Digest of the subject, the other manifest. */
  readonly subject: Digest;
  /** Descriptor in lists of referrers, with the artifact type and the annotations of the manifest. */
  readonly descriptor: Descriptor;
}

/**
 * Returns a manifest as a referrer (distribution-spec, "Listing Referrers"); `undefined` if it has no subject.
 *
 * @param digest Digest of the manifest. Default: its SHA-256 digest.
 */
export function findReferrer(manifest: ParsedManifest, digest?: Digest): Referrer | undefined {
  const document = manifest.kind === "oci-index" ? manifest.index : isIndex(manifest) ? undefined : manifest;
  if (!document?.subject) return undefined;
  // Without an artifact type, the media type of the configuration is used, as the specification requires.
  const artifactType = document.artifactType ?? ("config" in document ? document.config?.mediaType : undefined);
  const { annotations } = JSON.parse(new TextDecoder().decode(manifest.bytes));
  return {
    subject: document.subject.digest,
    descriptor: {
      mediaType: manifest.mediaType,
      digest: digest ?? manifestDigest(manifest.bytes),
      size: manifest.bytes.length,
      ...(artifactType ? { artifactType } : {}),
      ...(isObject(annotations) ? { annotations: annotations as Record<string, string> } : {}),
    },
  };
}
