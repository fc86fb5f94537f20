import { abortableStream, type ByteStream, type CallOptions, joinSignals } from "../internal/room.ts";
import { type Digest, digestAlgorithm, isManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { openDownload } from "./download.ts";
import { readError } from "./errors.ts";
import { openForeign } from "./foreign.ts";
import type { HttpRequest } from "./http_types.ts";
import { isInconclusiveHead, type RepositoryApi } from "./repository_api.ts";
import { type OutgoingBlob, uploadBlob } from "./upload.ts";
import { getUploadLimits } from "./upload_limits.ts";
import { findUpload, openUpload, type SendUpload, type Upload, UploadSession } from "./upload_session.ts";

/** Options for {@linkcode getUnverifiedBlob}. */
export interface GetBlobOptions extends CallOptions {
  /** Size of the blob in bytes. Default: as the registry announces; if it does not, a truncated blob goes unnoticed. */
  size?: number | undefined;
  /** URLs to try if the registry does not have the blob (foreign layers). Default: none. */
  urls?: readonly string[] | undefined;
}

/** Options for {@linkcode Repository.putBlob}. */
export interface PutBlobOptions extends CallOptions {
  /** Session that a failed mount has opened. Default: open a new session. */
  upload?: Upload | undefined;
  /**
   * Reads the blob again, from a byte offset on. With it, an interrupted upload is resumed at the registry's offset, or
   * starts again. Default: an interrupted upload fails.
   */
  reopen?: ((offset: number) => Promise<ByteStream>) | undefined;
  /**
   * Length of the chunks in which the blob is sent, in bytes, or the registry's minimum if that is larger. A chunk is kept
   * in memory until it has arrived. Default: 16 MiB if the registry announces a minimum, or in a browser; otherwise one
   * request for the whole blob, which every registry accepts.
   */
  chunkSize?: number | undefined;
}

/** Result of a mount: the repository has the blob, or the registry may have opened an upload session instead. */
export type MountResult = { readonly mounted: true } | { readonly mounted: false; readonly upload?: Upload };

/** Options for {@linkcode Repository.headBlob}. */
export interface HeadBlobOptions extends CallOptions {
  /**
   * Actions that the token must allow. Default: `pull,push`, which the following upload needs; readers may not have that
   * permission. With `pull`, a `GET` decides if a `HEAD` is rejected or finds nothing.
   */
  actions?: "pull" | "pull,push" | undefined;
}

/** Returns the size of a blob in bytes, or `undefined` if it does not exist; `UNKNOWN_SIZE` if it is not reported. */
export async function headBlob(
  api: RepositoryApi,
  digest: Digest,
  { actions = "pull,push", ...options }: HeadBlobOptions,
): Promise<number | undefined> {
  const call = { ...options, actions };
  let answer = await api.send("HEAD", `blobs/${digest}`, call);
  await answer.response.body?.cancel();
  // Not before an upload: it would cost one more request for every new blob, and the upload finds out anyway.
  const usesGet = actions === "pull" && isInconclusiveHead(answer.response.status);
  if (usesGet) answer = await api.send("GET", `blobs/${digest}`, call);
  const { response } = answer;
  if (response.status !== 200 && response.status !== 404) throw await readError(usesGet ? "GET" : "HEAD", answer);
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  const size = response.headers.get("content-length");
  return size === null ? UNKNOWN_SIZE : Number(size);
}

/** Reads a blob from the registry, or else from one of its URLs (foreign layers); resumes an interrupted download. */
export async function getBlob(api: RepositoryApi, digest: Digest, options: GetBlobOptions): Promise<ByteStream> {
  const { size = UNKNOWN_SIZE, urls = [], ...call } = options;
  const get = (range: string | undefined, signal: AbortSignal) =>
    api.send("GET", `blobs/${digest}`, { ...call, signal, headers: range ? { range } : {} });
  const pause = (attempt: number, signal: AbortSignal) => api.connection.pause(attempt, signal);
  const download = { name: api.getName(digest), size, pause, signal: call.signal };
  try {
    return await openDownload({ ...download, get });
  } catch (error) {
    if (urls.length === 0 || !isManifestsError(error, "NOT_FOUND")) throw error;
    const send = (request: HttpRequest) => api.connection.sendElsewhere(request);
    const { maxRetries } = call;
    return await openForeign({ ...download, send, urls, allowPrivate: api.connection.isLocal, maxRetries }, error);
  }
}

/** Mounts a blob from another repository; with `from` `undefined`, the registry may choose the repository. */
export async function mountBlob(
  api: RepositoryApi,
  digest: Digest,
  from: string | undefined,
  options: CallOptions,
): Promise<MountResult> {
  const extraScopes = from === undefined ? [] : [`repository:${from}:pull`];
  const source = from === undefined ? "" : `&from=${encodeURIComponent(from)}`;
  try {
    const request = { ...options, extraScopes, actions: "pull,push" };
    const answer = await api.send("POST", `blobs/uploads/?mount=${digest}${source}`, request);
    await answer.response.body?.cancel();
    if (answer.response.status === 201) {
      // A server that answers 201 without naming the blob may answer so to every request.
      return { mounted: namesBlob(answer.response, digest) || await headBlob(api, digest, options) !== undefined };
    }
    const upload = findUpload(answer);
    return { mounted: false, ...(upload ? { upload } : {}) };
  } catch (error) {
    // A token service may reject the scope of the other repository.
    if (isManifestsError(error)) return { mounted: false };
    throw error;
  }
}

function namesBlob({ headers }: Response, digest: Digest): boolean {
  const stored = headers.get("docker-content-digest");
  const location = headers.get("location") ?? "";
  return stored === null
    ? [digest, encodeURIComponent(digest)].some((name) => location.includes(name))
    : stored === digest;
}

/**
 * Opens an upload session for a blob before its bytes are there; `undefined` if the registry does not name it, which the
 * upload reports.
 *
 * @throws {RegistryError} If the registry opens no session; its code follows from the status.
 */
export async function prepareUpload(
  api: RepositoryApi,
  digest: Digest,
  call: CallOptions,
): Promise<Upload | undefined> {
  return (await openUpload(createSender(api, call), getUploadsPath(api), digestAlgorithm(digest))).upload;
}

/**
 * Uploads a blob. The stream must verify itself: it must fail if its bytes are wrong.
 *
 * @throws {RangeError} If `chunkSize` is not a positive integer.
 */
export async function putBlob(
  api: RepositoryApi,
  blob: OutgoingBlob,
  stream: ByteStream,
  options: PutBlobOptions,
): Promise<void> {
  const { upload, reopen, chunkSize, ...call } = options;
  if (chunkSize !== undefined && !(Number.isSafeInteger(chunkSize) && chunkSize > 0)) {
    throw new RangeError(`Cannot upload: chunkSize must be a positive integer, but is ${chunkSize}`);
  }
  await uploadBlob({
    send: createSender(api, call),
    sendLast: createSender(api, {}),
    pause: (attempt, error) =>
      api.connection.pause(attempt, call.signal, {
        step: `uploading a blob to ${api.connection.host}/${api.path}`,
        maxRetries: 3,
        error,
      }),
    limits: getUploadLimits(api.connection),
    hasBlob: async () => await headBlob(api, blob.digest(), { ...call, actions: "pull" }) !== undefined,
    start: getUploadsPath(api),
    stallTimeout: api.connection.timeouts.uploadTimeout,
    upload,
    reopen,
    chunkSize,
    blob,
    // A small blob is read completely before anything is sent, so the signal must also end that reading.
    stream: abortableStream(stream, call.signal),
  });
}

/** Cancels an upload session; errors are ignored. */
export async function cancelUpload(api: RepositoryApi, upload: Upload): Promise<void> {
  await new UploadSession(createSender(api, {}), upload).cancel();
}

function getUploadsPath({ path }: RepositoryApi): string {
  return `/v2/${path}/blobs/uploads/`;
}

function createSender(api: RepositoryApi, call: CallOptions): SendUpload {
  const scopes = [api.scope("pull,push")];
  return async (request) => {
    using joined = joinSignals(call.signal, request.signal);
    const answer = await api.connection.send({ ...call, ...request, signal: joined.signal, scopes });
    return { ...answer, signal: call.signal };
  };
}
