import { type Digest, manifestDigest } from "../spec/room.ts";
import { findSourceBlob } from "./find_blob.ts";
import type { ImageReference, ImageSource, InstanceOptions, ManifestBytes } from "./types.ts";

/**
 * Returns a reference to the same image with another manifest, such as an index of some of its instances. Instances,
 * blobs and signatures of instances are read from the image, and a policy sees its name. The new manifest has no
 * signatures.
 */
export function withManifest(reference: ImageReference, manifest: ManifestBytes): ImageReference {
  const changed: ImageReference = {
    transport: reference.transport,
    stringWithinTransport: reference.stringWithinTransport,
    dockerReference: withDigestOf(reference, manifest.digest ?? manifestDigest(manifest.bytes)),
    policyConfigurationIdentity: reference.policyConfigurationIdentity,
    policyConfigurationNamespaces: reference.policyConfigurationNamespaces,
    openSource: async (context) => replaceManifest(await reference.openSource(context), changed, manifest),
    openDestination: (context, options) => reference.openDestination(context, options),
    toString: () => String(reference),
  };
  return changed;
}

/** Returns the name of the image. A digest in it becomes that of the new manifest, which readers verify. */
function withDigestOf({ dockerReference }: ImageReference, digest: Digest): ImageReference["dockerReference"] {
  return dockerReference?.digest === undefined ? dockerReference : dockerReference.withDigest(digest);
}

function replaceManifest(source: ImageSource, reference: ImageReference, manifest: ManifestBytes): ImageSource {
  const { findOrigin } = source;
  return {
    reference,
    getManifest: async (options: InstanceOptions = {}) =>
      options.instance === undefined ? manifest : await source.getManifest(options),
    getBlob: (descriptor, options) => source.getBlob(descriptor, options),
    findBlob: (descriptor, options) => findSourceBlob(source, descriptor, options),
    layersForCopy: async (image, options) => await source.layersForCopy?.(image, options),
    getSignatures: async (signed, options) =>
      signed.isInstance ? await source.getSignatures?.(signed, options) ?? [] : [],
    listReferrers: async (subject, options) => await source.listReferrers?.(subject, options) ?? [],
    blobOrigin: async (descriptor, options) => await source.blobOrigin?.(descriptor, options),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    // Its presence means that instances can be at several places.
    ...(findOrigin ? { findOrigin: (place) => findOrigin.call(source, place) } : {}),
  };
}
