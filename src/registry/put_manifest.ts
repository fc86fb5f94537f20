import type { CallOptions } from "../internal/room.ts";
import {
  type Digest,
  digestAlgorithm,
  guessMediaType,
  isDigest,
  manifestDigest,
  verifyManifestDigest,
} from "../spec/room.ts";
import type { RepositoryApi } from "./repository_api.ts";
import { type ManifestUpload, sendManifest } from "./send_manifest.ts";
import {
  confirmTag,
  createConflict,
  type PutResult,
  readTag,
  repeatReadAndWrite,
  type SeenTag,
  settle,
  writeManifest,
  writeSeenTag,
} from "./write_tag.ts";

/** Options for {@linkcode Repository.putManifest}. */
export interface PutManifestOptions extends CallOptions {
  /** Media type of the manifest. Default: guessed from the bytes. */
  mediaType?: string | undefined;
  /**
   * Digest that the tag shall name. If it is not a SHA-256 digest, the manifest is written under this digest, and the tag
   * in the same request, if the registry can do that (`OCI-Tag`). In other registries, tags name SHA-256 digests only.
   * Default: the SHA-256 digest.
   */
  digest?: Digest | undefined;
  /**
   * Write the manifest only if the tag names this digest; `null`: only if the tag does not exist. Default: write it in
   * any case.
   *
   * A registry with conditional requests (`If-Match`) guarantees this. With any other registry, the client reads the tag
   * right before it writes, waits for slower writers (four times as long as passed in the registry between the two, at
   * least 100 ms), and reads the tag again: a write is lost only if another writer takes longer than that between reading
   * and writing.
   */
  ifMatch?: Digest | null | undefined;
  /**
   * The same write was attempted before, and its response may have been lost: it is not a conflict if the tag already
   * names this manifest.
   *
   * @default {false}
   */
  repeated?: boolean | undefined;
}

/**
 * Writes a manifest under a tag or its digest; see {@linkcode Repository.putManifest}.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag does not name `ifMatch`, or names another manifest afterwards.
 */
export async function putManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: PutManifestOptions,
): Promise<PutResult> {
  const { mediaType = guessMediaType(bytes), digest: name, ifMatch, repeated = false, ...call } = options;
  if (name && !isDigest(tagOrDigest) && digestAlgorithm(name) !== "sha256") {
    return await putNamed(api, tagOrDigest, bytes, { ...options, mediaType, digest: name });
  }
  if (isDigest(tagOrDigest)) verifyManifestDigest(bytes, tagOrDigest, `the manifest ${tagOrDigest}`);
  const digest = isDigest(tagOrDigest) ? tagOrDigest : manifestDigest(bytes);
  const upload = { target: tagOrDigest, bytes, digest, mediaType };
  if (ifMatch === undefined) return await writeManifest(api, upload, call);
  return await repeatReadAndWrite(
    api,
    call,
    (call, attempt) => putIfMatch(api, upload, ifMatch, { ...call, repeated: repeated || attempt > 1 }),
  );
}

/** Writes a manifest under its digest, and its tag in the same request if the registry can do that, otherwise in a second one. */
async function putNamed(
  api: RepositoryApi,
  tag: string,
  bytes: Uint8Array<ArrayBuffer>,
  { digest, ...options }: PutManifestOptions & { mediaType: string; digest: Digest },
): Promise<PutResult> {
  verifyManifestDigest(bytes, digest, `the manifest ${digest}`);
  const { mediaType, ifMatch, repeated, ...call } = options;
  const seen = ifMatch === undefined ? undefined : await readTag(api, tag, call);
  if (seen?.digest === digest && (ifMatch === digest || repeated)) {
    return { digest, subject: undefined, unchanged: ifMatch === digest };
  }
  // A registry that names tags by SHA-256 only shows an earlier attempt so.
  const isWritten = repeated && seen?.digest === manifestDigest(bytes);
  if (seen && seen.digest !== ifMatch && !isWritten) throw createConflict(api, tag, ifMatch!, seen.digest);
  const { subject, tags } = await sendManifest(api, { target: digest, tag, bytes, digest, mediaType }, {}, call);
  // Only the response tells whether the registry has also written the tag.
  if (!tags.includes(tag)) return { ...await putManifest(api, tag, bytes, options), digest, subject };
  if (seen) {
    await settle(api, seen, call);
    await confirmTag(api, { target: tag, bytes, digest, mediaType }, seen, call);
  }
  return { digest, subject, unchanged: false };
}

/** Reads the tag, writes it, and makes sure that no other writer replaces it. Makes one attempt. */
async function putIfMatch(
  api: RepositoryApi,
  upload: ManifestUpload,
  ifMatch: Digest | null,
  { repeated, ...call }: CallOptions & { repeated: boolean },
): Promise<PutResult> {
  const { digest, target } = upload;
  const seen = await readTag(api, target, call);
  if (seen.digest === digest && ifMatch === digest) return { digest, subject: undefined, unchanged: true };
  const isWritten = repeated && seen.digest === digest;
  if (!isWritten && seen.digest !== ifMatch) throw createConflict(api, target, ifMatch, seen.digest);
  const written = isWritten
    ? { digest, subject: undefined, unchanged: false }
    : await writeSeenTag(api, upload, seen, call);
  await settle(api, seen, call);
  await confirmTag(api, upload, seen, call);
  return written;
}

/** Options for {@linkcode replaceManifest}. */
export interface ReplaceManifestOptions extends CallOptions {
  /** State of the tag that the caller read right before: how long slower writers are waited for depends on it. */
  readonly seen: SeenTag;
  /** When the caller began to prepare the write, in milliseconds of `performance.now()`. Default: when it read the tag. */
  readonly startedAt?: number | undefined;
  /** Media type of the manifest. Default: guessed from the bytes. */
  readonly mediaType?: string | undefined;
}

/**
 * Writes a manifest under a tag that the caller has read, and waits for slower writers. The caller must read the tag
 * again, because any of them may have replaced the manifest.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag no longer names `seen`.
 */
export async function replaceManifest(
  api: RepositoryApi,
  tag: string,
  bytes: Uint8Array<ArrayBuffer>,
  { seen, startedAt, mediaType = guessMediaType(bytes), ...call }: ReplaceManifestOptions,
): Promise<void> {
  await writeSeenTag(api, { target: tag, bytes, digest: manifestDigest(bytes), mediaType }, seen, call);
  await settle(api, seen, call, startedAt);
}
