import { delay } from "@std/async";
import type { CallOptions } from "../internal/room.ts";
import { type Digest, isManifestsError, ManifestsError } from "../spec/room.ts";
import { RegistryError } from "./errors.ts";
import { findManifest } from "./manifests.ts";
import { isTransientError } from "./failures.ts";
import { type ManifestUpload, sendManifest } from "./send_manifest.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** How often a registry is asked for a manifest that it has accepted. */
const MAX_LOOKS = 4;
/**
 * How long to wait for slower writers, as a multiple of the time that this writer took from its look at the tag to the
 * registry's answer. Processes that compete for one machine differ by less than this.
 */
const SETTLE_FACTOR = 4;
/** Bounds of that wait, as multiples of the retry delay: 100 ms and 15 s by default. */
const MIN_SETTLE = 0.1, MAX_SETTLE = 15;

/** What a tag named when it was looked at. */
export interface SeenTag {
  /** Digest of the manifest; `null` for none. */
  readonly digest: Digest | null;
  /** The entity tag of the answer; `null` if the registry gave none. */
  readonly etag: string | null;
  /** When the look began, in the time of `performance.now()`. */
  readonly seenAt: number;
}

/** What became of a manifest that was written. */
export interface WrittenManifest {
  /** Its digest. */
  readonly digest: Digest;
  /** The subject that the registry acknowledged; `null` for none, `undefined` if this writer did not write it. */
  readonly subject: string | null | undefined;
  /** Whether the registry had the manifest under this name already. */
  readonly unchanged: boolean;
}

/** Looks at a tag that is about to be written, with the token that the write will need: the gap stays short. */
export async function seeTag(api: RepositoryApi, tag: string, call: CallOptions): Promise<SeenTag> {
  const seenAt = performance.now();
  const found = await findManifest(api, tag, { ...call, actions: "pull,push" });
  return { digest: found?.descriptor.digest ?? null, etag: found?.etag ?? null, seenAt };
}

/**
 * Writes a manifest, whatever is there. A refusal is not an error if the registry has this manifest under this name:
 * registries with immutable tags findProblem to write the same content twice, each with another status.
 */
export async function writeManifest(
  api: RepositoryApi,
  upload: ManifestUpload,
  call: CallOptions,
): Promise<WrittenManifest> {
  const { digest, target } = upload;
  try {
    const { subject } = await sendManifest(api, upload, {}, call);
    return { digest, subject, unchanged: false };
  } catch (error) {
    const now = await findAfterRefusal(api, target, error, call);
    if (now?.digest !== digest) throw error;
    return { digest, subject: undefined, unchanged: true };
  }
}

/**
 * Writes a manifest if the tag still names what was seen. The request is sent once: a repetition would rely on a look
 * that is too old.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag names something else.
 */
export async function writeSeenTag(
  api: RepositoryApi,
  upload: ManifestUpload,
  seen: SeenTag,
  call: CallOptions,
): Promise<WrittenManifest> {
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
    // A refusal is a lost race only if the tag has changed; else the registry has another reason, and says which.
    const now = await findAfterRefusal(api, target, error, call);
    if (now === undefined) throw error;
    if (now.digest === digest) return { digest, subject: undefined, unchanged: seen.digest === digest };
    throw now.digest === seen.digest ? error : conflict(api, target, seen.digest, now.digest);
  }
}

/**
 * Looks and writes again after passing failures, as a request that depends on a look cannot be repeated alone. Default:
 * three times.
 */
export async function repeatLookAndWrite<T>(
  api: RepositoryApi,
  call: CallOptions,
  write: (call: CallOptions, attempt: number) => Promise<T>,
): Promise<T> {
  const { maxRetries = 3, signal } = call;
  for (let attempt = 1;; attempt++) {
    try {
      // What the first attempt's look has waited for need not be waited for again.
      return await write(attempt === 1 ? call : { ...call, maxRetries: 0 }, attempt);
    } catch (error) {
      if (!isTransientError(error) || attempt > maxRetries) throw error;
      await api.connection.pause(attempt, signal);
    }
  }
}

/**
 * Waits until a writer that looked at the tag before this one wrote must have written, too. Only registries that ignore
 * conditional requests need it, but nothing in their answers gives those away.
 *
 * @param gap What this writer needed at other times from its look to its write, in milliseconds.
 */
export async function settle(api: RepositoryApi, { seenAt }: SeenTag, call: CallOptions, gap = 0): Promise<void> {
  const unit = api.connection.timeouts.retryDelay ?? 1000;
  const wait = Math.max(Math.max(performance.now() - seenAt, gap) * SETTLE_FACTOR, unit * MIN_SETTLE);
  await delay(Math.min(wait, unit * MAX_SETTLE), call.signal ? { signal: call.signal } : {});
}

/**
 * Looks whether a tag names what was written to it. Some registries show a moment later what they took: a tag that
 * names the same as before is looked at again.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag names something else.
 */
export async function confirmTag(
  api: RepositoryApi,
  { digest, target }: ManifestUpload,
  seen: SeenTag,
  call: CallOptions,
): Promise<void> {
  for (let look = 1;; look++) {
    const now = (await findManifest(api, target, call))?.descriptor.digest ?? null;
    if (now === digest) return;
    if (look === MAX_LOOKS || (now !== null && now !== seen.digest)) throw conflict(api, target, digest, now);
    await api.connection.pause(look, call.signal);
  }
}

/** The error for a tag that another writer changed. */
export function conflict(
  api: RepositoryApi,
  tag: string,
  expected: Digest | null,
  found: Digest | null,
): ManifestsError {
  return new ManifestsError(
    "CONFLICT",
    `Cannot write ${api.getName(tag)}: another writer changed it: expected ${expected ?? "no manifest"}, found ${
      found ?? "none"
    }`,
  );
}

/** What a name means after the registry refused a write; `undefined` if that does not matter or cannot be found out. */
async function findAfterRefusal(
  api: RepositoryApi,
  target: string,
  error: unknown,
  call: CallOptions,
): Promise<{ digest: Digest | null } | undefined> {
  if (!(error instanceof RegistryError) || isTransientError(error) || !mayExist(error)) return undefined;
  try {
    return { digest: (await findManifest(api, target, call))?.descriptor.digest ?? null };
  } catch {
    call.signal?.throwIfAborted();
    return undefined;
  }
}

/** Whether a refusal may be about the name, not about the manifest or the caller. */
function mayExist(error: RegistryError): boolean {
  if (error.status >= 500 || [401, 404, 413].includes(error.status)) return false;
  return !isManifestsError(error, "MANIFEST_REJECTED") || error.diagnostics.some(({ code }) => code === "TAG_INVALID");
}
