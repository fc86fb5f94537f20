import type { BlobIdentity, BlobOrigin, ImageDestination, ImageSource, NewBlob } from "../image/room.ts";
import { type Compression, peekCompression } from "../internal/compression/room.ts";
import { type ByteStream, type CallOptions, mapStream, type Semaphore } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  isForeignLayer,
  isManifestsError,
  UNKNOWN_SIZE,
  verifyBlob,
} from "../spec/room.ts";
import type { BlobInfoCache } from "./blob_info_cache.ts";
import type { KnownCompression } from "./blob_info/facts.ts";
import { isZstdChunked, type Recoded, type Recoder } from "./recoding/mod.ts";
import type { BlobOutcome, CopyEvent } from "./events.ts";
import { chooseRecoding, getDeclaredForm, type LayerForm, satisfiesPolicy } from "./layer_policy.ts";
import type { PlannedBlob } from "./plan_types.ts";

/** What {@linkcode moveBlob} needs besides the blob. */
export interface MoveOptions {
  /** Where blobs come from. */
  readonly source: ImageSource;
  /** Where they go. */
  readonly destination: ImageDestination;
  /** What earlier copies have learnt. */
  readonly cache: BlobInfoCache;
  /** Compresses layers anew. */
  readonly recoder: Recoder;
  /** Told what happens. */
  readonly emit: (event: CopyEvent) => void;
  /** Bounds how many blobs have bytes moving. */
  readonly slots: Semaphore;
  /** Whether the same content in another form, of which earlier copies know, will do. */
  readonly substitutes: boolean;
  /** Whether a blob that the destination has, or can mount, stays there: else its bytes are moved. */
  readonly reuses: boolean;
  /** Ends the move. */
  readonly signal: AbortSignal;
}

/** A blob as it is at the destination. */
export interface MovedBlob extends BlobIdentity {
  /** Its form; `undefined` where nobody looked. */
  readonly form: LayerForm;
  /** Annotations that tell of its compression. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Digest of its content without compression, where that was computed. */
  readonly diffId: Digest | undefined;
  /** How it came there. */
  readonly outcome: BlobOutcome;
}

/**
 * Brings a blob to the destination in the cheapest way that works: left where it lives, mounted, found there, the same
 * content in another form found there, or moved, verified and, where that is wanted, compressed anew.
 */
export async function moveBlob(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob> {
  const { destination } = options;
  if (destination.abilities.keepsForeignLayers && isForeignLayer(blob.descriptor)) return unchanged(blob, "kept");
  if (!options.reuses) return await moveBytes(blob, options);
  return await reuseBlob(blob, options) ?? await reuseOtherForm(blob, options) ?? await moveBytes(blob, options);
}

function unchanged({ descriptor }: PlannedBlob, outcome: BlobOutcome, size = descriptor.size): MovedBlob {
  return { digest: descriptor.digest, size, form: undefined, annotations: {}, diffId: undefined, outcome };
}

/** The blob itself, mounted or found. */
async function reuseBlob(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob | undefined> {
  const { descriptor, origin, policy } = blob;
  if (!satisfiesPolicy(policy, knownForm(descriptor, options))) return undefined;
  const { destination } = options;
  const mountable = origin !== undefined && origin.scope === destination.abilities.mountScope;
  // A mount answers in one request whether the blob is there already or not, so nothing is asked before it.
  const outcome = mountable && await mount(descriptor, origin, options) ? "mounted" : "reused";
  const known = outcome === "mounted" && descriptor.size !== UNKNOWN_SIZE;
  const size = known ? descriptor.size : await destination.findBlob(descriptor, callOf(options));
  // Schema 1 does not say sizes, and not every registry does; other manifests must.
  if (size === undefined || size === UNKNOWN_SIZE) return undefined;
  recordLocation(descriptor.digest, options);
  return unchanged(blob, outcome, size);
}

/** A layer's form: what an earlier copy saw, which may be something else than its manifest says. */
function knownForm(descriptor: Descriptor, { cache }: MoveOptions): LayerForm {
  const seen = cache.findForm(descriptor.digest);
  if (!seen) return getDeclaredForm(descriptor);
  // A table of contents is found through the manifest alone.
  return seen === "zstd:chunked" ? formOf("zstd", descriptor) : formOf(seen, descriptor);
}

/** The same content in another form, of which an earlier copy knows. Whatever goes wrong with it, there is another way. */
async function reuseOtherForm(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob | undefined> {
  const { destination, cache } = options;
  const { descriptor: { digest, mediaType }, policy, role } = blob;
  const scope = destination.abilities.mountScope;
  if (scope === undefined || role !== "layer" || !options.substitutes) return undefined;
  const location = locationOf(destination);
  // Exactly what moving it would make: another form may be what another variant of the image is about.
  const known = knownForm(blob.descriptor, options);
  const wanted = (known && chooseRecoding(policy, known)?.compress?.algorithm) ?? known;
  const accepts = ({ name }: KnownCompression) => name === wanted && satisfiesPolicy(policy, name as LayerForm);
  for (const candidate of cache.findCandidates(digest, { scope, canSubstitute: policy.changeable, accepts })) {
    const { compression, origin } = candidate;
    const isSame = candidate.digest === digest;
    const form = compression ? compression.name as LayerForm : known;
    const descriptor = { mediaType, digest: candidate.digest, size: UNKNOWN_SIZE };
    // The blob itself, here, has been asked for already.
    if (
      !form || (!isSame && form !== wanted) || !satisfiesPolicy(policy, form) ||
      (isSame && origin?.location === location)
    ) {
      continue;
    }
    try {
      const elsewhere = origin !== undefined && origin.location !== location;
      const mounted = elsewhere && await mount(descriptor, origin, options);
      if (elsewhere && !mounted) continue;
      const size = await destination.findBlob(descriptor, callOf(options));
      if (size === undefined || size === UNKNOWN_SIZE) continue;
      recordLocation(descriptor.digest, options);
      const annotations = compression?.annotations ?? {};
      return { ...descriptor, size, form, annotations, diffId: undefined, outcome: mounted ? "mounted" : "reused" };
    } catch (error) {
      if (!isManifestsError(error)) throw error;
    }
  }
  return undefined;
}

async function mount(descriptor: Descriptor, origin: BlobOrigin, options: MoveOptions): Promise<boolean> {
  return await options.destination.mountBlob?.(descriptor, origin, callOf(options)) ?? false;
}

async function moveBytes(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob> {
  const { source, emit, slots, signal, cache } = options;
  const { descriptor, place, origin } = blob;
  const { digest, size } = descriptor;
  // Only bytes need a slot: questions are small, and each host has a bound of its own for them.
  using _slot = await slots.acquire(signal);
  emit({ type: "blob-started", digest, size });
  const given = await source.getBlob(descriptor, { ...place, ...callOf(options) });
  let moved = 0;
  const onBytes = (count: number) => {
    moved += count;
    emit({ type: "blob-progress", digest, bytes: count });
  };
  const verified = verifyBlob(given, descriptor, { onBytes, signal });
  const result = await writeBytes(blob, verified, () => moved, options);
  if (origin) cache.recordLocation(origin, digest);
  recordLocation(result.digest, options);
  return result;
}

/** Writes a stream, compressed anew where that is wanted. Gives it back to its source where nobody else does. */
async function writeBytes(
  blob: PlannedBlob,
  verified: ByteStream,
  moved: () => number,
  options: MoveOptions,
): Promise<MovedBlob> {
  const { descriptor, role, policy } = blob;
  const { digest, size, mediaType } = descriptor;
  let stream = verified;
  try {
    // What must stay as it is is not even looked at.
    const looked = role === "layer" && policy.changeable ? await peekCompression(stream) : undefined;
    stream = looked?.stream ?? stream;
    const form = looked && formOf(looked.compression, descriptor);
    const recoding = form && chooseRecoding(policy, form);
    const recoded = recoding && await options.recoder.recode(stream, recoding, descriptor);
    stream = recoded?.stream ?? stream;
    const sizeAsIs = () => size === UNKNOWN_SIZE ? moved() : size;
    const entering: NewBlob = recoded ? { mediaType, role, size: UNKNOWN_SIZE, measured: () => recoded.measured() } : {
      mediaType,
      role,
      digest,
      size,
      reopen: reopenerOf(blob, options),
      measured: () => ({ digest, size: sizeAsIs() }),
    };
    await options.destination.putBlob(entering, stream, callOf(options));
    const asIs = { digest, size: sizeAsIs(), form };
    const result = describe(recoded, recoding?.compress?.algorithm ?? "uncompressed", asIs);
    if (form) remember(descriptor, form, result, options);
    return result;
  } catch (error) {
    if (!stream.locked) await stream.cancel(error).catch(() => {});
    throw error;
  }
}

/** Reads a blob again from its source, which has only whole ones: what was sent before is verified, and left out. */
function reopenerOf({ descriptor, place }: PlannedBlob, options: MoveOptions): NewBlob["reopen"] {
  if (descriptor.size === UNKNOWN_SIZE) return undefined;
  return async (offset) => {
    const given = await options.source.getBlob(descriptor, { ...place, ...callOf(options) });
    let left = offset;
    return mapStream(verifyBlob(given, descriptor, { signal: options.signal }), {
      chunk(bytes) {
        const skipped = Math.min(left, bytes.length);
        left -= skipped;
        return skipped === 0 ? bytes : bytes.subarray(skipped);
      },
    });
  };
}

function formOf(
  compression: Compression | "uncompressed" | undefined,
  { annotations = {} }: Descriptor,
): Exclude<LayerForm, undefined> {
  if (compression === "zstd" && isZstdChunked(annotations)) return "zstd:chunked";
  return compression ?? "uncompressed";
}

function describe(
  recoded: Recoded | undefined,
  form: Exclude<LayerForm, undefined>,
  asIs: BlobIdentity & { form: LayerForm },
): MovedBlob {
  if (!recoded) return { ...asIs, annotations: {}, diffId: undefined, outcome: "written" };
  const { digest, size, annotations, uncompressed } = recoded.measured();
  return { digest, size, form, annotations, diffId: uncompressed.digest, outcome: "written" };
}

/** Tells later copies what this one found out. Everything here was verified. */
function remember(
  { digest: before }: Descriptor,
  form: Exclude<LayerForm, undefined>,
  { digest, form: after, annotations, diffId }: MovedBlob,
  { cache }: MoveOptions,
): void {
  // What a manifest says of its table of contents, nobody has verified: only our own is passed on.
  cache.recordCompression(before, { name: form === "zstd:chunked" ? "zstd" : form, annotations: {} });
  if (form === "uncompressed") cache.recordUncompressed(before, before);
  if (!diffId || !after || digest === before) return;
  cache.recordCompression(digest, { name: after, annotations });
  cache.recordUncompressed(before, diffId);
  cache.recordUncompressed(digest, diffId);
}

function recordLocation(digest: Digest, { destination, cache }: MoveOptions): void {
  const { mountScope: scope } = destination.abilities;
  const location = locationOf(destination);
  if (scope !== undefined && location !== undefined) cache.recordLocation({ scope, location }, digest);
}

/** Where in its mount scope a destination is. */
function locationOf(destination: ImageDestination): string | undefined {
  return destination.reference.dockerReference?.path;
}

/** One layer repeats what failed: the steps of the copy. */
function callOf({ signal }: MoveOptions): CallOptions {
  return { signal, maxRetries: 0 };
}
