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
  conflict,
  repeatLookAndWrite,
  type SeenTag,
  seeTag,
  settle,
  writeManifest,
  writeSeenTag,
  type WrittenManifest,
} from "./write_tag.ts";

/** Options for {@linkcode Repository.putManifest}. */
export interface PutManifestOptions extends CallOptions {
  /** Media type of the manifest. Default: guessed from the bytes. */
  mediaType?: string | undefined;
  /**
   * The digest by which the manifest is known. If it is not a SHA-256 one, the manifest is written under it, and a tag
   * that is written in the same request names it so, if the registry can do that (`OCI-Tag`). Other registries name by
   * SHA-256 what a tag names. Default: by SHA-256.
   */
  digest?: Digest | undefined;
  /**
   * What the tag must name for the manifest to be written: a digest, or `null` for nothing. Default: anything.
   *
   * A registry with conditional requests (`If-Match`) guarantees it. With any other registry, the client looks at the
   * tag right before it writes, waits for slower writers (four times as long as its own look and write took, at least
   * 100 ms), and looks again: a write is lost only if another writer takes longer than that between its own look and
   * write.
   */
  ifMatch?: Digest | null | undefined;
  /**
   * Whether the same was tried before, with an answer that may have been lost: then it is not a conflict if the tag names
   * the manifest already.
   *
   * @default {false}
   */
  repeated?: boolean | undefined;
}

/**
 * Writes a manifest.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag does not name `ifMatch`, or names something else afterwards.
 */
export async function putManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: PutManifestOptions,
): Promise<WrittenManifest> {
  const { mediaType = guessMediaType(bytes), digest: name, ifMatch, repeated = false, ...call } = options;
  if (name && !isDigest(tagOrDigest) && digestAlgorithm(name) !== "sha256") {
    return await putNamed(api, tagOrDigest, bytes, { ...options, mediaType, digest: name });
  }
  if (isDigest(tagOrDigest)) verifyManifestDigest(bytes, tagOrDigest, `the manifest ${tagOrDigest}`);
  const digest = isDigest(tagOrDigest) ? tagOrDigest : manifestDigest(bytes);
  const upload = { target: tagOrDigest, bytes, digest, mediaType };
  if (ifMatch === undefined) return await writeManifest(api, upload, call);
  return await repeatLookAndWrite(
    api,
    call,
    (call, attempt) => putIfMatch(api, upload, ifMatch, { ...call, repeated: repeated || attempt > 1 }),
  );
}

/** Writes a manifest under its digest, and the tag in the same request if the registry can do that, else after it. */
async function putNamed(
  api: RepositoryApi,
  tag: string,
  bytes: Uint8Array<ArrayBuffer>,
  { digest, ...options }: PutManifestOptions & { mediaType: string; digest: Digest },
): Promise<WrittenManifest> {
  verifyManifestDigest(bytes, digest, `the manifest ${digest}`);
  const { mediaType, ifMatch, repeated, ...call } = options;
  const seen = ifMatch === undefined ? undefined : await seeTag(api, tag, call);
  if (seen?.digest === digest && (ifMatch === digest || repeated)) {
    return { digest, subject: undefined, unchanged: ifMatch === digest };
  }
  if (seen && seen.digest !== ifMatch && !repeated) throw conflict(api, tag, ifMatch!, seen.digest);
  const { subject, tags } = await sendManifest(api, { target: digest, tag, bytes, digest, mediaType }, {}, call);
  // The answer alone tells whether a registry knows tags beside a digest.
  if (!tags.includes(tag)) return { ...await putManifest(api, tag, bytes, options), digest, subject };
  if (seen) {
    await settle(api, seen, call);
    await confirmTag(api, { target: tag, bytes, digest, mediaType }, seen, call);
  }
  return { digest, subject, unchanged: false };
}

/** Looks at the tag, writes it, and makes sure that it stays: one attempt. */
async function putIfMatch(
  api: RepositoryApi,
  upload: ManifestUpload,
  ifMatch: Digest | null,
  { repeated, ...call }: CallOptions & { repeated: boolean },
): Promise<WrittenManifest> {
  const { digest, target } = upload;
  const seen = await seeTag(api, target, call);
  if (seen.digest === digest && ifMatch === digest) return { digest, subject: undefined, unchanged: true };
  const isWritten = repeated && seen.digest === digest;
  if (!isWritten && seen.digest !== ifMatch) throw conflict(api, target, ifMatch, seen.digest);
  const written = isWritten
    ? { digest, subject: undefined, unchanged: false }
    : await writeSeenTag(api, upload, seen, call);
  await settle(api, seen, call);
  await confirmTag(api, upload, seen, call);
  return written;
}

/** Options for {@linkcode Repository.replaceManifest}. */
export interface ReplaceManifestOptions extends CallOptions {
  /** What the caller found under the tag, before it made the manifest. */
  readonly seen: SeenTag;
  /**
   * The longest time that the caller needed from a look to a write in earlier attempts, in milliseconds: other writers
   * may need as long. With it, the tag is looked at once more right before the write. Default: this is the first attempt.
   */
  readonly gap?: number | undefined;
  /** Media type of the manifest. Default: guessed from the bytes. */
  readonly mediaType?: string | undefined;
}

/**
 * Writes a manifest under a tag that the caller has read, and waits for slower writers. The caller must read the tag
 * again, as any of them may have replaced the manifest.
 *
 * @throws {ManifestsError} With code `CONFLICT` if the tag names something else than was seen.
 */
export async function replaceManifest(
  api: RepositoryApi,
  tag: string,
  bytes: Uint8Array<ArrayBuffer>,
  { seen, gap, mediaType = guessMediaType(bytes), ...call }: ReplaceManifestOptions,
): Promise<void> {
  const now = gap === undefined ? seen : await seeTag(api, tag, call);
  if (now.digest !== seen.digest) throw conflict(api, tag, seen.digest, now.digest);
  await writeSeenTag(api, { target: tag, bytes, digest: manifestDigest(bytes), mediaType }, now, call);
  await settle(api, now, call, gap);
}
