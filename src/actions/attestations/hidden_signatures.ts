import type { ImageSource, SystemContext } from "../../image/room.ts";
import type { CallOptions } from "../../internal/room.ts";
import {
  attachedSignature,
  MAX_SIGNATURE_SIZE,
  parseAttachment,
  SIGNATURE_ARTIFACT_TYPE,
  type SigstoreSignature,
  verifySigstoreSignature,
} from "../../signature/room.ts";
import { type Digest, findReferrer, isIndex, isManifestsError, ManifestsError, readBlob } from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";
import { findManifest, findTag, readReferrers } from "./stored_attestations.ts";

/** Options for {@linkcode assertSignaturesStayVisible}. */
export interface HiddenSignaturesOptions extends CallOptions {
  /** Access to the registry, for the attachment under a tag. */
  readonly systemContext?: SystemContext | undefined;
  /** Public keys in PEM of which the manifest has or gets a bundle. */
  readonly publicKeys: readonly Uint8Array[];
}

/**
 * Asserts that `cosign verify` still accepts a manifest after it got a bundle. If a manifest has any bundle, cosign does
 * not look at its signatures in the older formats, so each of their keys needs a bundle, too.
 *
 * @throws {ManifestsError} With code `SIGNATURES_HIDDEN`.
 */
export async function assertSignaturesStayVisible(
  runtime: Runtime,
  { source, digest }: { readonly source: ImageSource; readonly digest: Digest },
  { systemContext, publicKeys, ...call }: HiddenSignaturesOptions,
): Promise<void> {
  const signatures = [
    ...await readReferredSignatures(source, digest, call),
    ...await readTaggedSignatures(runtime, source, digest, { ...call, systemContext }),
  ];
  const known = await Promise.all(signatures.map((signature) => isSignedByAny(signature, digest, publicKeys)));
  const hidden = known.filter((isKnown) => !isKnown).length;
  if (hidden === 0) return;
  const name = source.reference.dockerReference?.name ?? source.reference;
  throw new ManifestsError(
    "SIGNATURES_HIDDEN",
    `Cannot attach a bundle to ${digest} in ${name}: cosign would no longer find ${hidden} of its ` +
      "signatures, which are by other keys: attach the provenance under a tag (--provenance-as tag), or sign with " +
      "those keys in the same call",
  );
}

async function readReferredSignatures(source: ImageSource, digest: Digest, call: CallOptions) {
  const referrers = await readReferrers(source, digest, call);
  const attachments = referrers.filter(({ manifest }) =>
    findReferrer(manifest)?.descriptor.artifactType === SIGNATURE_ARTIFACT_TYPE
  );
  return (await Promise.all(attachments.map(({ manifest }) => readLayers(source, manifest.bytes, call)))).flat();
}

async function readTaggedSignatures(
  runtime: Runtime,
  { reference }: ImageSource,
  digest: Digest,
  { systemContext, ...call }: Omit<HiddenSignaturesOptions, "publicKeys">,
): Promise<SigstoreSignature[]> {
  const tag = findTag(runtime, reference, digest, "sig");
  if (!tag) return [];
  await using source = await tag.openSource(systemContext);
  const found = await findManifest(source, call);
  return found && !isIndex(found.manifest) ? await readLayers(source, found.manifest.bytes, call) : [];
}

async function readLayers(
  source: ImageSource,
  manifest: Uint8Array<ArrayBuffer>,
  call: CallOptions,
): Promise<SigstoreSignature[]> {
  return await Promise.all(
    parseAttachment(manifest).layers.map(async (layer) => {
      const payload = await readBlob(await source.getBlob(layer, call), layer, MAX_SIGNATURE_SIZE, call.signal);
      return attachedSignature(layer, payload);
    }),
  );
}

async function isSignedByAny(
  signature: SigstoreSignature,
  manifestDigest: Digest,
  publicKeys: readonly Uint8Array[],
): Promise<boolean> {
  try {
    const trust = { kind: "keys", publicKeys } as const;
    await verifySigstoreSignature(signature, { trust, manifestDigest, acceptsReference: () => true });
    return true;
  } catch (error) {
    // Something that is not a valid signature of this manifest cannot be hidden.
    if (isManifestsError(error) && error.code !== "SIGNATURE_INVALID") return true;
    if (isManifestsError(error)) return false;
    throw error;
  }
}
