import { encodeGoJson, type GoJsonValue } from "../../json/room.ts";
import {
  type Descriptor,
  descriptorJson,
  digestOf,
  EMPTY_DESCRIPTOR,
  EMPTY_JSON,
  isIndex,
  MEDIA_TYPES,
  type ParsedManifest,
} from "../../spec/room.ts";
import type { Attachment } from "../sigstore/attachment.ts";
import { MAX_SIGNATURE_SIZE } from "../types.ts";
import { BUNDLE_MEDIA_TYPE, isBundleType } from "./bundle.ts";

/** Annotations that describe the content of a bundle, by which `cosign tree` and others list it. */
const CONTENT = "dev.sigstore.bundle.content", CREATED = "org.opencontainers.image.created";
/** Annotation with the predicate type of a bundle's statement. */
export const PREDICATE_TYPE_ANNOTATION = "dev.sigstore.bundle.predicateType";

/** Options of {@linkcode createBundleReferrer}. */
export interface BundleReferrerOptions {
  /** Predicate type of the statement in the bundle. */
  readonly predicateType: string;
  /** Time at which the bundle was made. */
  readonly created: Date;
}

/** Creates a referrer that contains a bundle about its subject, as cosign writes it. */
export function createBundleReferrer(
  subject: Descriptor,
  bundle: Uint8Array<ArrayBuffer>,
  { predicateType, created }: BundleReferrerOptions,
): Attachment {
  const layer = { mediaType: BUNDLE_MEDIA_TYPE, digest: digestOf(bundle), size: bundle.length };
  const { mediaType, digest, size } = subject;
  const config = { ...EMPTY_DESCRIPTOR, size: EMPTY_JSON.length };
  const manifest = encodeGoJson(
    new Map<string, GoJsonValue>([
      ["schemaVersion", 2],
      ["mediaType", MEDIA_TYPES.ociManifest],
      ["artifactType", BUNDLE_MEDIA_TYPE],
      ["config", descriptorJson(config) as GoJsonValue],
      ["layers", [descriptorJson(layer) as GoJsonValue]],
      ["subject", descriptorJson({ mediaType, digest, size }) as GoJsonValue],
      [
        "annotations",
        new Map([
          [CONTENT, "dsse-envelope"],
          [PREDICATE_TYPE_ANNOTATION, predicateType],
          [CREATED, created.toISOString()],
        ]),
      ],
    ]),
  );
  return {
    manifest,
    blobs: [{ descriptor: layer, bytes: bundle }, { descriptor: config, bytes: EMPTY_JSON }],
  };
}

/**
 * Finds the bundle in a referrer; `undefined` if it contains none, or one that is too large to read. Only the manifest is
 * evidence: in the tag that lists referrers without the referrers API, cosign leaves out or changes the artifact type.
 */
export function findBundle(referrer: ParsedManifest): Descriptor | undefined {
  if (isIndex(referrer)) return undefined;
  const { artifactType = "", layers } = referrer;
  const bundle = layers.find(({ mediaType }) => isBundleType(mediaType)) ??
    (isBundleType(artifactType) ? layers[0] : undefined);
  return bundle && bundle.size <= MAX_SIGNATURE_SIZE ? bundle : undefined;
}
