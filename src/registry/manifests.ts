import { type CallOptions, readStream, toStream } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  isDigest,
  isManifestsError,
  manifestDigest,
  ManifestsError,
  MAX_MANIFEST_SIZE,
  MEDIA_TYPES,
  verifyManifestDigest,
} from "../spec/room.ts";
import { BrokenBodyError, getBody } from "./body.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { isInconclusiveHead, type RepositoryApi, type RepositoryRequest } from "./repository_api.ts";

/**
 * What is accepted when a manifest is read: everything. With less, a registry may convert what a tag names into
 * another format, which has another digest.
 */
const ACCEPTED_MANIFESTS = [
  MEDIA_TYPES.ociManifest,
  MEDIA_TYPES.ociIndex,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerList,
  MEDIA_TYPES.dockerSchema1Signed,
  MEDIA_TYPES.dockerSchema1,
].join(", ");

/** A manifest that was read from a registry; its digest has been verified. */
export interface FetchedManifest {
  /** The exact bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The registry's `Content-Type`, without parameters. */
  readonly mediaType: string;
  /** The digest of the bytes. */
  readonly digest: Digest;
  /** The entity tag of the answer; `null` if the registry gave none. */
  readonly etag: string | null;
}

/** Reads and verifies a manifest; again where its body breaks off. */
export async function getManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  options: CallOptions,
): Promise<FetchedManifest> {
  for (let attempt = 1;; attempt++) {
    try {
      const call = { ...options, headers: { accept: ACCEPTED_MANIFESTS } };
      return await readAnswer(api, tagOrDigest, await api.send("GET", `manifests/${tagOrDigest}`, call));
    } catch (error) {
      // The answer came, and broke off: what was before it has been repeated already.
      if (!(error instanceof BrokenBodyError) || attempt > (options.maxRetries ?? 3)) throw error;
    }
  }
}

async function readAnswer(api: RepositoryApi, tagOrDigest: string, answer: HttpResponse): Promise<FetchedManifest> {
  const { response } = answer;
  if (response.status !== 200) throw await readError("GET", answer);
  const mediaType = simplifyContentType(response.headers.get("content-type"));
  const what = `the manifest ${api.getName(tagOrDigest)}`;
  if (mediaType === "text/html") {
    await response.body?.cancel();
    throw new ManifestsError("REGISTRY_ERROR", `Cannot read ${what} as a web page came: this is no registry`);
  }
  const bytes = Number(response.headers.get("content-length") ?? 0) > MAX_MANIFEST_SIZE
    ? await response.body?.cancel()
    : await readStream(getBody(answer), MAX_MANIFEST_SIZE).then(inflated);
  if (!bytes) {
    throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read ${what} as it has more than ${MAX_MANIFEST_SIZE} bytes`);
  }
  const promised = isDigest(tagOrDigest) ? tagOrDigest : response.headers.get("docker-content-digest") ?? "";
  if (isDigest(promised)) verifyManifestDigest(bytes, promised, what);
  const digest = isDigest(promised) ? promised : manifestDigest(bytes);
  return { bytes, mediaType, digest, etag: response.headers.get("etag") };
}

/** No manifest begins as gzip does: such bytes were compressed on their way, though nobody asked for it. */
async function inflated(bytes: Uint8Array<ArrayBuffer> | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (bytes?.[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = toStream(bytes).pipeThrough(new DecompressionStream("gzip"));
  // What is no gzip after all is what it is: its digest will tell.
  return await readStream(stream, MAX_MANIFEST_SIZE).catch(() => bytes);
}

/** A manifest that was looked at. */
export interface SeenManifest {
  /** Its descriptor. */
  readonly descriptor: Descriptor;
  /** The entity tag of this version of what was asked for; `null` where the registry gave none. */
  readonly etag: string | null;
}

/** Looks at a manifest; `undefined` where there is none. Reads it where a `HEAD` does not find it, or not all of it. */
export async function findManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  options: CallOptions & Pick<RepositoryRequest, "actions">,
): Promise<SeenManifest | undefined> {
  const call = { ...options, headers: { accept: ACCEPTED_MANIFESTS } };
  const answer = await api.send("HEAD", `manifests/${tagOrDigest}`, call);
  const { status, headers } = answer.response;
  await answer.response.body?.cancel();
  if (status !== 200 && !isInconclusiveHead(status)) throw await readError("HEAD", answer);
  const digest = headers.get("docker-content-digest") ?? "";
  const size = headers.get("content-length");
  if (status === 200 && isDigest(digest) && size !== null) {
    const mediaType = simplifyContentType(headers.get("content-type"));
    return { descriptor: { mediaType, digest, size: Number(size) }, etag: headers.get("etag") };
  }
  try {
    const { mediaType, digest, bytes, etag } = await getManifest(api, tagOrDigest, options);
    return { descriptor: { mediaType, digest, size: bytes.length }, etag };
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

function simplifyContentType(value: string | null): string {
  return (value ?? "").split(";")[0]!.trim().toLowerCase();
}
