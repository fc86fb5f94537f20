import type { CallOptions } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  guessMediaType,
  isDigest,
  isManifestsError,
  manifestDigest,
  ManifestsError,
  verifyManifestDigest,
} from "../spec/room.ts";
import { errorOf } from "./errors.ts";
import { findManifest } from "./manifests.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** How often a registry that has taken a manifest is asked for it. */
const MAX_LOOKS = 4;

/** Options for {@linkcode Repository.putManifest}. */
export interface PutManifestOptions extends CallOptions {
  /** Default: guessed from the bytes. */
  mediaType?: string | undefined;
  /**
   * What the tag must name for the manifest to be written: a digest, or `null` for nothing; default: no matter what.
   * Where a registry does not know conditions (`If-Match`), it is looked at before and after, which leaves a gap of one
   * request between two writers.
   */
  ifMatch?: Digest | null | undefined;
  /**
   * Whether the same was tried before, with an answer that may have been lost: then it is no conflict where the tag names
   * the manifest already.
   *
   * @default {false}
   */
  repeated?: boolean | undefined;
}

/**
 * Writes a manifest; returns its digest, and the subject that the registry has taken notice of.
 *
 * @throws {ManifestsError} With code `CONFLICT` where the tag names something else than `ifMatch`.
 */
export async function putManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  bytes: Uint8Array<ArrayBuffer>,
  options: PutManifestOptions,
): Promise<{ digest: Digest; subject: string | null }> {
  const { mediaType = guessMediaType(bytes), ifMatch, repeated = false, ...call } = options;
  if (isDigest(tagOrDigest)) verifyManifestDigest(bytes, tagOrDigest, `the manifest ${tagOrDigest}`);
  const digest = isDigest(tagOrDigest) ? tagOrDigest : manifestDigest(bytes);
  if (ifMatch === undefined) {
    return {
      digest,
      subject: await send(api, tagOrDigest, { bytes, digest, headers: { "content-type": mediaType } }, call),
    };
  }
  const before = await findManifest(api, tagOrDigest, call);
  if (repeated && before?.descriptor.digest === digest) return { digest, subject: null };
  if ((before?.descriptor.digest ?? null) !== ifMatch) throw conflict(api, tagOrDigest, ifMatch, before?.descriptor);
  // A weak entity tag never matches (RFC 9110 §13.1.1).
  const etag = before?.etag?.startsWith('"') ? before.etag : undefined;
  const condition = before === undefined ? { "if-none-match": "*" } : etag ? { "if-match": etag } : {};
  let subject: string | null = null;
  try {
    subject = await send(
      api,
      tagOrDigest,
      { bytes, digest, headers: { "content-type": mediaType, ...condition } },
      call,
    );
  } catch (error) {
    // A repetition of what was done already, because its answer was lost, fails too: what is there decides.
    if (!isManifestsError(error, "CONFLICT")) throw error;
  }
  const after = await findWritten(api, tagOrDigest, call);
  if (after?.digest !== digest) throw conflict(api, tagOrDigest, digest, after);
  return { digest, subject };
}

async function send(
  api: RepositoryApi,
  tagOrDigest: string,
  { bytes, digest, headers }: { bytes: Uint8Array<ArrayBuffer>; digest: Digest; headers: Record<string, string> },
  call: CallOptions,
): Promise<string | null> {
  const request = { ...call, headers, body: bytes, actions: "pull,push" };
  const answer = await api.send("PUT", `manifests/${tagOrDigest}`, request);
  const { response } = answer;
  if (response.status < 200 || response.status > 299) throw await errorOf("PUT", answer);
  await response.body?.cancel();
  const stored = response.headers.get("docker-content-digest");
  if (stored === null && response.headers.get("location") === null) await requireStored(api, digest, call);
  if (stored !== null && stored !== digest && !isDigest(tagOrDigest)) {
    throw new ManifestsError(
      "DIGEST_MISMATCH",
      `Cannot trust the upload of ${api.nameOf(tagOrDigest)} as the registry stored ${stored} instead of ${digest}`,
    );
  }
  return response.headers.get("oci-subject");
}

/** A web server in a registry's place may answer everything with success. */
async function requireStored(api: RepositoryApi, digest: Digest, call: CallOptions): Promise<void> {
  const stored = await findWritten(api, digest, call);
  if (stored?.digest === digest) return;
  throw new ManifestsError(
    "REGISTRY_ERROR",
    `Cannot trust the upload of ${api.nameOf(digest)} as the registry took it, but does not have it`,
  );
}

/** Some registries show what they took a moment later. */
async function findWritten(
  api: RepositoryApi,
  tagOrDigest: string,
  call: CallOptions,
): Promise<Descriptor | undefined> {
  for (let look = 1;; look++) {
    const found = await findManifest(api, tagOrDigest, call);
    if (found || look === MAX_LOOKS) return found?.descriptor;
    await api.client.pause(look, call.signal);
  }
}

function conflict(
  api: RepositoryApi,
  tag: string,
  expected: Digest | null,
  found: Descriptor | undefined,
): ManifestsError {
  return new ManifestsError(
    "CONFLICT",
    `Cannot write ${api.nameOf(tag)} as somebody else did: expected ${expected ?? "nothing"} there, found ${
      found?.digest ?? "nothing"
    }`,
  );
}
