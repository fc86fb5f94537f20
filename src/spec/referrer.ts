import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { isObject } from "../json/room.ts";
import { isIndex, manifestDigest, type ParsedManifest } from "./manifest.ts";

/** A manifest that is about another one (image-spec, `subject`). */
export interface Referrer {
  /** Digest of the manifest that it is about. */
  readonly subject: Digest;
  /** How lists of referrers describe it: with the type of its artifact, and its annotations. */
  readonly descriptor: Descriptor;
}

/**
 * What a manifest is as a referrer, or `undefined` where it has no subject (distribution-spec, "Listing Referrers").
 *
 * @param digest Its digest; default: by SHA-256.
 */
export function findReferrer(manifest: ParsedManifest, digest?: Digest): Referrer | undefined {
  const of = manifest.kind === "oci-index" ? manifest.index : isIndex(manifest) ? undefined : manifest;
  if (!of?.subject) return undefined;
  // An image without a type of its own has that of its configuration.
  const artifactType = of.artifactType ?? ("config" in of ? of.config?.mediaType : undefined);
  const { annotations } = JSON.parse(new TextDecoder().decode(manifest.bytes));
  return {
    subject: of.subject.digest,
    descriptor: {
      mediaType: manifest.mediaType,
      digest: digest ?? manifestDigest(manifest.bytes),
      size: manifest.bytes.length,
      ...(artifactType ? { artifactType } : {}),
      ...(isObject(annotations) ? { annotations: annotations as Record<string, string> } : {}),
    },
  };
}
