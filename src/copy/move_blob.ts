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

/** Maximum size of a small blob, in bytes: round trips take longer than its bytes. */
const SMALL_BLOB = 64 * 1024;

/** Options of {@linkcode moveBlob}. */
export interface MoveOptions {
  /** The source that has the blob. */
  readonly source: ImageSource;
  /** The destination of the blob. */
  readonly destination: ImageDestination;
  /** Facts about blobs from earlier copies. */
  readonly cache: BlobInfoCache;
  /** Recompresses layers during the move. */
  readonly recoder: Recoder;
  /** Called with each progress event. */
  readonly emit: (event: CopyEvent) => void;
  /** Limits how many blobs are transferred concurrently. */
  readonly slots: Semaphore;
  /** Limits how many blobs of at most {@linkcode SMALL_BLOB} bytes are transferred concurrently, in addition to `slots`. */
  readonly smallSlots: Semaphore;
  /** Whether the blob may be replaced by the same content in another compression, as earlier copies recorded it. */
  readonly substitutes: boolean;
  /** Whether a blob is reused that the destination has or can mount; otherwise its bytes are always moved. */
  readonly reuses: boolean;
  /** Aborts the move of the blob. */
  readonly signal: AbortSignal;
}

/** A blob at the destination. */
export interface MovedBlob extends BlobIdentity {
  /** Compression of the blob; `undefined`: unknown. */
  readonly form: LayerForm;
  /** Annotations of the layer that describe its compression. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Digest of the uncompressed content; `undefined`: it was not computed. */
  readonly diffId: Digest | undefined;
  /** How the blob got to the destination. */
  readonly outcome: BlobOutcome;
}

/**
 * Brings a blob to the destination in the cheapest way that works, in this order: it stays at its external URLs; it is
 * mounted or already exists; the same content in another compression is mounted or already exists; its bytes are moved,
 * verified and, if the policy requires it, recompressed.
 */
export async function moveBlob(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob> {
  const { destination } = options;
  if (destination.abilities.keepsForeignLayers && isForeignLayer(blob.descriptor)) return toUnchanged(blob, "kept");
  if (!options.reuses) return await moveBytes(blob, options);
  return await reuseBlob(blob, options) ?? await reuseOtherForm(blob, options) ?? await moveBytes(blob, options);
}

function toUnchanged({ descriptor }: PlannedBlob, outcome: BlobOutcome, size = descriptor.size): MovedBlob {
  return { digest: descriptor.digest, size, form: undefined, annotations: {}, diffId: undefined, outcome };
}

/** Mounts or finds the blob itself; `undefined`: its bytes must be moved. */
async function reuseBlob(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob | undefined> {
  const { descriptor, origin, policy } = blob;
  if (!satisfiesPolicy(policy, findKnownForm(descriptor, options))) return undefined;
  const { destination } = options;
  const mountable = origin !== undefined && origin.scope === destination.abilities.mountScope;
  // A mount succeeds in one request whether or not the blob exists already, so no HEAD request precedes it.
  const outcome = mountable && await mount(descriptor, origin, options) ? "mounted" : "reused";
  const known = outcome === "mounted" && descriptor.size !== UNKNOWN_SIZE;
  const size = known ? descriptor.size : await destination.findBlob(descriptor, getCallOptions(options));
  // Schema 1 has no sizes, and some registries do not report them, but the manifest that is written needs the size.
  if (size === undefined || size === UNKNOWN_SIZE) return undefined;
  recordLocation(descriptor.digest, options);
  return toUnchanged(blob, outcome, size);
}

/** Returns the compression of a layer as an earlier copy detected it, else as the descriptor declares it. */
function findKnownForm(descriptor: Descriptor, { cache }: MoveOptions): LayerForm {
  const seen = cache.findForm(descriptor.digest);
  if (!seen) return getDeclaredForm(descriptor);
  // The table of contents of zstd:chunked is found through the annotations of this manifest, which may lack them.
  return seen === "zstd:chunked" ? detectForm("zstd", descriptor) : detectForm(seen, descriptor);
}

/**
 * Mounts or finds the same content in another compression, as an earlier copy recorded it. Errors are ignored, because the
 * bytes can still be moved.
 */
async function reuseOtherForm(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob | undefined> {
  const { destination, cache } = options;
  const { descriptor: { digest, mediaType }, policy, role } = blob;
  const scope = destination.abilities.mountScope;
  if (scope === undefined || role !== "layer" || !options.substitutes) return undefined;
  const location = getLocation(destination);
  // Only the form that a move would produce: another form belongs to another variant of the image.
  const known = findKnownForm(blob.descriptor, options);
  const expected = (known && chooseRecoding(policy, known)?.compress?.algorithm) ?? known;
  const accepts = ({ name }: KnownCompression) => name === expected && satisfiesPolicy(policy, name);
  for (const candidate of cache.findCandidates(digest, { scope, canSubstitute: policy.changeable, accepts })) {
    const { compression, origin } = candidate;
    const isSame = candidate.digest === digest;
    const form = compression ? compression.name : known;
    const descriptor = { mediaType, digest: candidate.digest, size: UNKNOWN_SIZE };
    // `reuseBlob` has already looked for the blob itself at this location.
    if (
      !form || (!isSame && form !== expected) || !satisfiesPolicy(policy, form) ||
      (isSame && origin?.location === location)
    ) {
      continue;
    }
    try {
      const mountable = origin !== undefined && origin.location !== location;
      const mounted = mountable && await mount(descriptor, origin, options);
      if (mountable && !mounted) continue;
      const size = await destination.findBlob(descriptor, getCallOptions(options));
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
  return await options.destination.mountBlob?.(descriptor, origin, getCallOptions(options)) ?? false;
}

async function moveBytes(blob: PlannedBlob, options: MoveOptions): Promise<MovedBlob> {
  const { source, destination, emit, slots, smallSlots, signal, cache } = options;
  const { descriptor, place, origin, policy } = blob;
  const { digest, size } = descriptor;
  // Only transfers need a slot: other requests are small, and the client limits them for each host.
  const isSmall = size !== UNKNOWN_SIZE && size <= SMALL_BLOB;
  using _slot = await (isSmall ? smallSlots : slots).acquire(signal);
  emit({ type: "blob-started", digest, size });
  // A blob that is recompressed gets another digest. An uncompressed one may be reused as it is, but not moved so.
  const form = findKnownForm(descriptor, options);
  if (form ? !chooseRecoding(policy, form) : satisfiesPolicy(policy, form)) {
    destination.prepareBlob?.(digest, getCallOptions(options));
  }
  const content = await source.getBlob(descriptor, { ...place, ...getCallOptions(options) });
  let moved = 0;
  const onBytes = (count: number) => {
    moved += count;
    emit({ type: "blob-progress", digest, bytes: count });
  };
  const verified = verifyBlob(content, descriptor, { onBytes, signal });
  const result = await writeBytes(blob, verified, () => moved, options);
  if (origin) cache.recordLocation(origin, digest);
  recordLocation(result.digest, options);
  return result;
}

/** Writes a stream to the destination, recompressed if the policy requires it. After a failure, the stream is cancelled. */
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
    // The form is needed only if the compression may be changed.
    const detected = role === "layer" && policy.changeable ? await peekCompression(stream) : undefined;
    stream = detected?.stream ?? stream;
    const form = detected && detectForm(detected.compression, descriptor);
    const recoding = form && chooseRecoding(policy, form);
    const recoded = recoding && await options.recoder.recode(stream, recoding, descriptor);
    stream = recoded?.stream ?? stream;
    const getSize = () => size === UNKNOWN_SIZE ? moved() : size;
    const newBlob: NewBlob = recoded ? { mediaType, role, size: UNKNOWN_SIZE, measured: () => recoded.measured() } : {
      mediaType,
      role,
      digest,
      size,
      reopen: createReopen(blob, options),
      measured: () => ({ digest, size: getSize() }),
    };
    await options.destination.putBlob(newBlob, stream, getCallOptions(options));
    const original = { digest, size: getSize(), form };
    const result = toMovedBlob(recoded, recoding?.compress?.algorithm ?? "uncompressed", original);
    if (form) recordFacts(descriptor, form, result, options);
    return result;
  } catch (error) {
    if (!stream.locked) await stream.cancel(error).catch(() => {});
    throw error;
  }
}

/** Returns a function that opens a blob again at an offset: it is read and verified from its start, and the first bytes are dropped. */
function createReopen({ descriptor, place }: PlannedBlob, options: MoveOptions): NewBlob["reopen"] {
  if (descriptor.size === UNKNOWN_SIZE) return undefined;
  return async (offset) => {
    const content = await options.source.getBlob(descriptor, { ...place, ...getCallOptions(options) });
    let left = offset;
    return mapStream(verifyBlob(content, descriptor, { signal: options.signal }), {
      chunk(bytes) {
        const skipped = Math.min(left, bytes.length);
        left -= skipped;
        return skipped === 0 ? bytes : bytes.subarray(skipped);
      },
    });
  };
}

function detectForm(
  compression: Compression | "uncompressed" | undefined,
  { annotations = {} }: Descriptor,
): Exclude<LayerForm, undefined> {
  if (compression === "zstd" && isZstdChunked(annotations)) return "zstd:chunked";
  return compression ?? "uncompressed";
}

function toMovedBlob(
  recoded: Recoded | undefined,
  form: Exclude<LayerForm, undefined>,
  original: BlobIdentity & { form: LayerForm },
): MovedBlob {
  if (!recoded) return { ...original, annotations: {}, diffId: undefined, outcome: "written" };
  const { digest, size, annotations, uncompressed } = recoded.measured();
  return { digest, size, form, annotations, diffId: uncompressed.digest, outcome: "written" };
}

/** Records verified facts about a blob for later copies. */
function recordFacts(
  { digest: before }: Descriptor,
  form: Exclude<LayerForm, undefined>,
  { digest, form: after, annotations, diffId }: MovedBlob,
  { cache }: MoveOptions,
): void {
  // The source's annotations about a table of contents are not verified: only those that we created are recorded.
  cache.recordCompression(before, { name: form === "zstd:chunked" ? "zstd" : form, annotations: {} });
  if (form === "uncompressed") cache.recordUncompressed(before, before);
  if (!diffId || !after || digest === before) return;
  cache.recordCompression(digest, { name: after, annotations });
  cache.recordUncompressed(before, diffId);
  cache.recordUncompressed(digest, diffId);
}

function recordLocation(digest: Digest, { destination, cache }: MoveOptions): void {
  const { mountScope: scope } = destination.abilities;
  const location = getLocation(destination);
  if (scope !== undefined && location !== undefined) cache.recordLocation({ scope, location }, digest);
}

/** Returns the repository of a destination inside its mount scope. */
function getLocation(destination: ImageDestination): string | undefined {
  return destination.reference.dockerReference?.path;
}

/** Returns the options of calls: without retries of their own, because the copy retries the whole step. */
function getCallOptions({ signal }: MoveOptions): CallOptions {
  return { signal, maxRetries: 0 };
}
