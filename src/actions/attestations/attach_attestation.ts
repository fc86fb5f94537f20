import type { ImageReference, ImageSource, SystemContext } from "../../image/room.ts";
import { type CallOptions, repeatWhileLost, toStream } from "../../internal/room.ts";
import {
  type Attachment,
  attachSignatures,
  createAttestationLayer,
  createBundleReferrer,
  encodeBundle,
  type Envelope,
  parseAttachment,
} from "../../signature/room.ts";
import {
  type Descriptor,
  digestOf,
  isIndex,
  isManifestsError,
  ManifestsError,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  readBlob,
} from "../../spec/room.ts";
import type { Runtime } from "../runtime.ts";
import { findManifest, findTag } from "./stored_attestations.ts";

/** A signed statement that is attached to a manifest. */
export interface NewAttestation {
  /** The statement with its signature. */
  readonly envelope: Envelope;
  /** Public key of the signer, in DER. */
  readonly publicKey: Uint8Array;
  /** Type of the statement's predicate. */
  readonly predicateType: string;
  /** Time at which the statement was signed. */
  readonly created: Date;
}

/** Options of the functions that attach attestations. */
export interface AttachOptions extends CallOptions {
  /** Access to the registry: credentials, TLS, configuration files. */
  readonly systemContext?: SystemContext | undefined;
}

/** Attaches a statement to a manifest as a referrer: a Sigstore bundle. */
export async function attachBundle(
  reference: ImageReference,
  subject: Descriptor,
  { envelope, publicKey, ...rest }: NewAttestation,
  { systemContext, ...call }: AttachOptions,
): Promise<void> {
  const referrer = createBundleReferrer(subject, encodeBundle(envelope, publicKey), rest);
  await using destination = await reference.openDestination(systemContext);
  if (!destination.abilities.referrers) {
    throw new ManifestsError(
      "REFERRERS_NOT_SUPPORTED",
      `Cannot attach an attestation to ${subject.digest}: ${reference} does not support referrers`,
    );
  }
  await putBlobs(destination, referrer, call);
  const { manifest } = referrer;
  await destination.putManifest(manifest, MEDIA_TYPES.ociManifest, { ...call, instance: digestOf(manifest) });
  await destination.commit(call);
}

/**
 * Attaches a statement to a manifest under cosign's `.att` tag, in addition to existing ones.
 *
 * @throws {ManifestsError} With code `CONFLICT` if other writers of the tag were faster each time.
 */
export async function attachUnderTag(
  runtime: Runtime,
  reference: ImageReference,
  subject: Descriptor,
  { envelope, predicateType }: NewAttestation,
  { systemContext, ...call }: AttachOptions,
): Promise<void> {
  const tag = findTag(runtime, reference, subject.digest);
  if (!tag) {
    throw new ManifestsError(
      "INVALID_REFERENCE",
      `Cannot attach an attestation to ${subject.digest} under a tag: ${reference} is not in a registry`,
    );
  }
  const layer = createAttestationLayer(envelope, predicateType);
  const isLost = (error: unknown) => isManifestsError(error, "CONFLICT");
  await repeatWhileLost(async () => {
    await using source = await tag.openSource(systemContext);
    const found = await findManifest(source, call);
    const stored = found && !isIndex(found.manifest)
      ? { manifest: found.manifest.bytes, config: await readConfig(source, found.manifest.bytes, call) }
      : undefined;
    const attachment = attachSignatures(stored, [layer]);
    if (!attachment) return;
    await using destination = await tag.openDestination(systemContext);
    await putBlobs(destination, attachment, call);
    const ifMatch = found?.digest ?? null;
    await destination.putManifest(attachment.manifest, MEDIA_TYPES.ociManifest, { ...call, ifMatch });
    await destination.commit(call);
  }, { isLost, signal: call.signal });
}

async function readConfig(source: ImageSource, manifest: Uint8Array<ArrayBuffer>, call: CallOptions) {
  const { config } = parseAttachment(manifest);
  return await readBlob(await source.getBlob(config, call), config, MAX_CONFIG_SIZE, call.signal);
}

async function putBlobs(
  destination: Awaited<ReturnType<ImageReference["openDestination"]>>,
  { blobs }: Attachment,
  call: CallOptions,
): Promise<void> {
  for (const { descriptor, bytes } of blobs) {
    if (await destination.findBlob(descriptor, call) !== undefined) continue;
    const { mediaType, digest, size } = descriptor;
    const reopen = (offset: number) => Promise.resolve(toStream(bytes.subarray(offset)));
    const blob = { mediaType, digest, size, role: "layer", reopen, measured: () => ({ digest, size }) } as const;
    await destination.putBlob(blob, toStream(bytes), call);
  }
}
