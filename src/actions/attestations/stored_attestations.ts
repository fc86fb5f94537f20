import { type ImageReference, type ImageSource, readManifest, type SystemContext } from "../../image/room.ts";
import { allOrAbort, type CallOptions, Semaphore } from "../../internal/room.ts";
import {
  attachmentTag,
  type Envelope,
  ENVELOPE_MEDIA_TYPE,
  findBundle,
  MAX_SIGNATURE_SIZE,
  MAX_SIGNATURES,
  parseAttachment,
  parseBundle,
  parseEnvelope,
  parseStatement,
} from "../../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  findReferrer,
  isIndex,
  isManifestsError,
  ManifestsError,
  readBlob,
} from "../../spec/room.ts";
import { resolveImage, type Runtime } from "../runtime.ts";

/** An attestation of a manifest as its repository stores it. Nothing in it is verified. */
export interface StoredAttestation {
  /** How it is stored: in a Sigstore bundle that is a referrer, or under cosign's `.att` tag. */
  readonly form: "bundle" | "tag";
  /** Digest of the manifest that stores it: the referrer, or the manifest under the tag. */
  readonly manifest: Digest;
  /** Type of the predicate, as the statement names it; `undefined` if the statement cannot be read. */
  readonly predicateType: string | undefined;
  /** The signed statement; `undefined` if it cannot be read. */
  readonly envelope: Envelope | undefined;
  /** Why it cannot be read; otherwise `undefined`. */
  readonly problem?: string | undefined;
}

/** Maximum number of referrers that are read at the same time. */
const MAX_PARALLEL = 8;

/** Options for {@linkcode readAttestations}. */
export interface ReadAttestationsOptions extends CallOptions {
  /** Access to the registry, for the attachment under a tag. */
  readonly systemContext?: SystemContext | undefined;
}

/** A manifest at an open source whose attestations are read. */
export interface AttestedManifest {
  /** Source from which the manifest was read. */
  readonly source: ImageSource;
  /** Digest of the manifest whose attestations are read. */
  readonly digest: Digest;
}

/**
 * Reads the attestations of a manifest: bundles that are referrers, and those under cosign's `.att` tag.
 *
 * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if there are more than 127 bundles; else with the codes of reading.
 */
export async function readAttestations(
  runtime: Runtime,
  { source, digest }: AttestedManifest,
  { systemContext, ...call }: ReadAttestationsOptions = {},
): Promise<StoredAttestation[]> {
  const tag = findTag(runtime, source.reference, digest);
  const [bundles, tagged] = await Promise.all([
    readBundles(source, digest, call),
    tag ? readTag(tag, systemContext, call) : [],
  ]);
  return [...bundles, ...tagged];
}

/** Returns the reference of a manifest's attachment; `undefined` if its place is not a registry. */
export function findTag(
  runtime: Runtime,
  { transport, dockerReference }: ImageReference,
  digest: Digest,
  suffix: "sig" | "att" = "att",
): ImageReference | undefined {
  if (transport !== "docker" || !dockerReference) return undefined;
  return resolveImage(runtime, `docker://${dockerReference.name}:${attachmentTag(digest, suffix)}`);
}

/** Reads the referrers of a manifest that are its own, whatever the list of referrers says about them. */
export async function readReferrers(source: ImageSource, subject: Digest, call: CallOptions) {
  const listed = await source.listReferrers?.(subject, call) ?? [];
  const slots = new Semaphore(MAX_PARALLEL);
  const read = await allOrAbort(
    [...new Set(listed.map(({ digest }) => digest))].map((instance) => (signal) =>
      slots.run(() => findManifest(source, { ...call, instance, signal }), signal)
    ),
    call.signal,
  );
  return read.filter((found) => found !== undefined)
    .filter(({ manifest }) => findReferrer(manifest)?.subject === subject);
}

async function readBundles(source: ImageSource, subject: Digest, call: CallOptions): Promise<StoredAttestation[]> {
  const referrers = await readReferrers(source, subject, call);
  const bundles = referrers.map(({ digest, manifest }) => ({ digest, bundle: findBundle(manifest) }))
    .filter(({ bundle }) => bundle !== undefined);
  assertCount(subject, bundles.length);
  const read = await allOrAbort(
    bundles.map(({ digest, bundle }) => async (signal) =>
      await describe("bundle", digest, async () => parseBundle(await readLayer(source, bundle!, { ...call, signal })))
    ),
    call.signal,
  );
  return read;
}

async function readTag(
  tag: ImageReference,
  systemContext: SystemContext | undefined,
  call: CallOptions,
): Promise<StoredAttestation[]> {
  await using source = await tag.openSource(systemContext);
  const found = await findManifest(source, call);
  if (!found || isIndex(found.manifest)) return [];
  const { digest, manifest } = found;
  const layers = parseAttachment(manifest.bytes).layers.filter(({ mediaType }) => mediaType === ENVELOPE_MEDIA_TYPE);
  return await allOrAbort(
    layers.map((layer) => async (signal) =>
      await describe("tag", digest, async () => parseEnvelope(await readLayer(source, layer, { ...call, signal })))
    ),
    call.signal,
  );
}

async function readLayer(source: ImageSource, blob: Descriptor, call: CallOptions): Promise<Uint8Array<ArrayBuffer>> {
  return await readBlob(await source.getBlob(blob, call), blob, MAX_SIGNATURE_SIZE, call.signal);
}

/** Describes an attestation, or why it cannot be read. Errors of the registry are thrown. */
async function describe(
  form: StoredAttestation["form"],
  manifest: Digest,
  read: () => Promise<Envelope | undefined>,
): Promise<StoredAttestation> {
  try {
    const envelope = await read();
    const predicateType = envelope && parseStatement(envelope.payload).predicateType;
    return { form, manifest, predicateType, envelope };
  } catch (error) {
    const isMalformed = isManifestsError(error, "SIGNATURE_FORMAT_UNKNOWN") ||
      isManifestsError(error, "SIGNATURE_PAYLOAD_INVALID");
    if (!isMalformed) throw error;
    return { form, manifest, predicateType: undefined, envelope: undefined, problem: error.message };
  }
}

/** Reads a manifest; `undefined` if it does not exist. */
export async function findManifest(source: ImageSource, call: Parameters<typeof readManifest>[1]) {
  try {
    return await readManifest(source, call);
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

function assertCount(subject: Digest, count: number): void {
  if (count <= MAX_SIGNATURES) return;
  throw new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot read the attestations of ${subject}: there are more than ${MAX_SIGNATURES}`,
  );
}
