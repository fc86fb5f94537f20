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
 * Value of `Accept` for manifests: all known types. With fewer types, a registry may convert the manifest of a tag to
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

/** A manifest that was read from a registry. Its digest has been verified. */
export interface FetchedManifest {
  /** Bytes of the manifest, exactly as sent. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `Content-Type` of the response in lower case, without parameters; empty if there was none. */
  readonly mediaType: string;
  /** Digest of the bytes: the requested one, the registry's, or SHA-256. */
  readonly digest: Digest;
  /** Entity tag (`ETag`) of the response; `null` if the registry sent none. */
  readonly etag: string | null;
}

/** Reads and verifies a manifest; repeats the request if its body is interrupted. */
export async function getManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  options: CallOptions,
): Promise<FetchedManifest> {
  const maxRetries = api.connection.getMaxRetries(options);
  for (let attempt = 1;; attempt++) {
    try {
      const call = { ...options, headers: { accept: ACCEPTED_MANIFESTS } };
      return await readAnswer(api, tagOrDigest, await api.send("GET", `manifests/${tagOrDigest}`, call));
    } catch (error) {
      // Only an interrupted body is repeated here: failures before it have been repeated by `send` already.
      if (!(error instanceof BrokenBodyError) || attempt > maxRetries) throw error;
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
    throw new ManifestsError(
      "REGISTRY_ERROR",
      `Cannot read ${what}: the host answered with a web page; it does not seem to be a registry`,
    );
  }
  const bytes = Number(response.headers.get("content-length") ?? 0) > MAX_MANIFEST_SIZE
    ? await response.body?.cancel()
    : await readStream(getBody(answer), MAX_MANIFEST_SIZE).then(decompress);
  if (!bytes) {
    throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read ${what}: it has more than ${MAX_MANIFEST_SIZE} bytes`);
  }
  const promised = isDigest(tagOrDigest) ? tagOrDigest : response.headers.get("docker-content-digest") ?? "";
  if (isDigest(promised)) verifyManifestDigest(bytes, promised, what);
  const digest = isDigest(promised) ? promised : manifestDigest(bytes);
  return { bytes, mediaType, digest, etag: response.headers.get("etag") };
}

/** Decompresses gzip: no manifest starts with its magic number, so a proxy has compressed the response unasked. */
async function decompress(bytes: Uint8Array<ArrayBuffer> | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (bytes?.[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = toStream(bytes).pipeThrough(new DecompressionStream("gzip"));
  // Bytes that are not valid gzip are returned unchanged: the check of the digest rejects them.
  return await readStream(stream, MAX_MANIFEST_SIZE).catch(() => bytes);
}

/** Result of {@linkcode findManifest}. */
export interface SeenManifest {
  /** Media type, digest and size of the manifest. */
  readonly descriptor: Descriptor;
  /** Entity tag (`ETag`) of the response; `null` if the registry sent none. */
  readonly etag: string | null;
}

/** Options for {@linkcode findManifest}. */
export interface FindManifestOptions extends CallOptions, Pick<RepositoryRequest, "actions"> {
  /**
   * Believe a `HEAD` request that finds nothing: an existing manifest may be missed in a registry that cannot answer
   * `HEAD`. Default: `false`.
   */
  readonly headOnly?: boolean | undefined;
}

/**
 * Returns the descriptor of a manifest; `undefined` if there is none. Reads the manifest if a `HEAD` does not find it, or
 * its response is incomplete.
 */
export async function findManifest(
  api: RepositoryApi,
  tagOrDigest: string,
  { headOnly = false, ...options }: FindManifestOptions,
): Promise<SeenManifest | undefined> {
  const call = { ...options, headers: { accept: ACCEPTED_MANIFESTS } };
  const answer = await api.send("HEAD", `manifests/${tagOrDigest}`, call);
  const { status, headers } = answer.response;
  await answer.response.body?.cancel();
  if (status !== 200 && !isInconclusiveHead(status)) throw await readError("HEAD", answer);
  if (headOnly && status !== 200) return undefined;
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
