import { delay } from "@std/async";
import type { CallOptions } from "../internal/room.ts";
import { type Digest, isManifestsError, ManifestsError } from "../spec/room.ts";
import { RegistryError } from "./errors.ts";
import { findManifest } from "./manifests.ts";
import { isTransientError } from "./failures.ts";
import { type ManifestUpload, sendManifest } from "./send_manifest.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** Maximum number of reads until a tag shows an accepted manifest: some registries show it only a moment later. */
const MAX_READS = 4;
/**
 * Time to wait for slower writers, as a multiple of the time between this writer's read of the tag and its write.
 * Processes that compete for one machine differ in speed by less than this factor.
 */
const SETTLE_FACTOR = 4;
/** Limits of that time, as multiples of the retry delay: 100 ms and 15 s by default. */
const MIN_SETTLE = 0.1, MAX_SETTLE = 15;

/** State of a tag when it was read. */
export interface SeenTag {
  /** Digest that the tag named; `null` if it did not exist. */
  readonly digest: Digest | null;
  /** Entity tag (`ETag`) of the response; `null` if the registry sent none. */
  readonly etag: string | null;
  /** Time when the read was started, in milliseconds of `performance.now()`. */
  readonly seenAt: number;
}

/** Result of writing a manifest. */
export interface PutResult {
  /** Digest of the manifest that was written. */
  readonly digest: Digest;
  /** Subject that the registry acknowledged; `null` for none; `undefined` if this writer did not write the manifest. */
  readonly subject: string | null | undefined;
  /** The registry already had the manifest under this name. */
  readonly unchanged: boolean;
}

/**
 * Reads the state of a tag that is about to be written. Requests the token that the write needs at once, so that the time
 * between reading and writing stays short.
 */
export async function readTag(api: RepositoryApi, tag: string, call: CallOptions): Promise<SeenTag> {
  const seenAt = performance.now();
  const found = await findManifest(api, tag, { ...call, actions: "pull,push" });
  return { digest: found?.descriptor.digest ?? null, etag: found?.etag ?? null, seenAt };
}

/**
 * Writes a manifest unconditionally. A rejection is not an error if the registry has this manifest under this name:
 * registries with immutable tags do not let the same content be written twice, each with another status.
 */
export async function writeManifest(
  api: RepositoryApi,
  upload: ManifestUpload,
  call: CallOptions,
): Promise<PutResult> {
  const { digest, target } = upload;
  try {
    const { subject } = await sendManifest(api, upload, {}, call);
    return { digest, subject, unchanged: false };
  } catch (error) {
    const now = await findAfterRejection(api, target, error, call);
    if (now?.digest !== digest) throw error;
    return { digest, subject: undefined, unchanged: true };
  }
}

/**
 * Writes a manifest if the tag still names the digest that was read. The request is sent once: a repetition would rely on
 * a state of the tag that is too old.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag names another manifest.
 */
export async function writeSeenTag(
  api: RepositoryApi,
  upload: ManifestUpload,
  seen: SeenTag,
  call: CallOptions,
): Promise<PutResult> {
  const { digest, target } = upload;
  // A weak entity tag never matches (RFC 9110 §13.1.1).
  const etag = seen.etag?.startsWith('"') ? seen.etag : undefined;
  const condition: Record<string, string> = seen.digest === null
    ? { "if-none-match": "*" }
    : etag
    ? { "if-match": etag }
    : {};
  try {
    const { subject } = await sendManifest(api, upload, condition, { ...call, maxRetries: 0 });
    return { digest, subject, unchanged: false };
  } catch (error) {
    // A rejection is a lost race only if the tag has changed; otherwise the registry has reported another reason.
    const now = await findAfterRejection(api, target, error, call);
    if (now === undefined) throw error;
    if (now.digest === digest) return { digest, subject: undefined, unchanged: seen.digest === digest };
    throw now.digest === seen.digest ? error : createConflict(api, target, seen.digest, now.digest);
  }
}

/**
 * Runs `write`, which reads a tag and writes it; repeats it after temporary failures, because a write that depends on a
 * read must not be repeated alone. `call.maxRetries` limits the repetitions. Default: that of the client.
 */
export async function repeatReadAndWrite<T>(
  api: RepositoryApi,
  call: CallOptions,
  write: (call: CallOptions, attempt: number) => Promise<T>,
): Promise<T> {
  const maxRetries = api.connection.getMaxRetries(call);
  for (let attempt = 1;; attempt++) {
    try {
      // The first attempt retries its requests itself. Later ones do not, or the numbers of retries would multiply.
      return await write(attempt === 1 ? call : { ...call, maxRetries: 0 }, attempt);
    } catch (error) {
      if (!isTransientError(error) || attempt > maxRetries) throw error;
      await api.connection.pause(attempt, call.signal);
    }
  }
}

/**
 * Waits until every writer that read the tag before this one wrote it must have written, too. Only registries that ignore
 * conditional requests need this, but their responses do not reveal that.
 *
 * Other writers are slow or fast in the registry's eyes: this is the time that read and write took here, without one way
 * there and back. The fastest answer took at least that way, and at most as long as the read.
 *
 * @param startedAt When the caller began to prepare the write, in milliseconds of `performance.now()`: the wait takes at
 * least as long as that took, because a busy machine or registry makes all writers slow. Default: when it read the tag.
 */
export async function settle(
  api: RepositoryApi,
  { seenAt }: SeenTag,
  call: CallOptions,
  startedAt = seenAt,
): Promise<void> {
  const unit = api.connection.timeouts.retryDelay ?? 1000;
  const now = performance.now();
  const took = now - seenAt - api.connection.fastestAnswer;
  const wait = Math.max(took * SETTLE_FACTOR, now - startedAt, unit * MIN_SETTLE);
  await delay(Math.min(wait, unit * MAX_SETTLE), call.signal ? { signal: call.signal } : {});
}

/**
 * Makes sure that a tag names the manifest that was written. Some registries show it only a moment later: a tag that still
 * names the previous manifest is read again.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag names another manifest.
 */
export async function confirmTag(
  api: RepositoryApi,
  { digest, target }: ManifestUpload,
  seen: SeenTag,
  call: CallOptions,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    const now = (await findManifest(api, target, call))?.descriptor.digest ?? null;
    if (now === digest) return;
    if (attempt === MAX_READS || (now !== null && now !== seen.digest)) throw createConflict(api, target, digest, now);
    await api.connection.pause(attempt, call.signal);
  }
}

/** Creates the error for a tag that another writer changed. */
export function createConflict(
  api: RepositoryApi,
  tag: string,
  expected: Digest | null,
  found: Digest | null,
): ManifestsError {
  return new ManifestsError(
    "CONFLICT",
    `Cannot write ${api.getName(tag)}: another writer changed it: expected ${expected ?? "no manifest"}, found ${
      found ?? "none"
    }: read it again and repeat the change`,
  );
}

/** Returns what a tag or digest names after a rejected write; `undefined` if that is irrelevant or cannot be read. */
async function findAfterRejection(
  api: RepositoryApi,
  target: string,
  error: unknown,
  call: CallOptions,
): Promise<{ digest: Digest | null } | undefined> {
  if (!(error instanceof RegistryError) || isTransientError(error) || !mayConcernTag(error)) return undefined;
  try {
    return { digest: (await findManifest(api, target, call))?.descriptor.digest ?? null };
  } catch {
    call.signal?.throwIfAborted();
    return undefined;
  }
}

/** Returns whether a rejection may concern the tag, rather than the manifest or the caller. */
function mayConcernTag(error: RegistryError): boolean {
  if (error.status >= 500 || [401, 404, 413].includes(error.status)) return false;
  return !isManifestsError(error, "MANIFEST_REJECTED") || error.diagnostics.some(({ code }) => code === "TAG_INVALID");
}
