import { abortableStream, type ByteStream, type CallOptions, joinSignals } from "../internal/room.ts";
import { type Digest, isManifestsError, UNKNOWN_SIZE } from "../spec/room.ts";
import { openDownload } from "./download.ts";
import { readError } from "./errors.ts";
import { openForeign } from "./foreign.ts";
import type { HttpRequest } from "./http_types.ts";
import { isInconclusiveHead, type RepositoryApi } from "./repository_api.ts";
import { type OutgoingBlob, uploadBlob } from "./upload.ts";
import { getUploadLimits } from "./upload_limits.ts";
import { findUpload, type SendUpload, type Upload, UploadSession } from "./upload_session.ts";

/** Options for {@linkcode Repository.getUnverifiedBlob}. */
export interface GetBlobOptions extends CallOptions {
  /** Its size in bytes; default: as the registry says, so that an early end without an error is not noticed. */
  size?: number | undefined;
  /** Where it is found if the registry does not have it (foreign layers). */
  urls?: readonly string[] | undefined;
}

/** Options for {@linkcode Repository.putBlob}. */
export interface PutBlobOptions extends CallOptions {
  /** A session that a mount left open. */
  upload?: Upload | undefined;
  /**
   * The blob's bytes from a position on, once more. With it, an upload that breaks goes on where the registry is, or
   * starts anew; without it, it fails.
   */
  reopen?: ((offset: number) => Promise<ByteStream>) | undefined;
  /**
   * Length of the chunks that are kept in memory until they have arrived, in bytes; the registry's minimum where that is
   * more. Default: 16 MiB where the registry announces a minimum, else one request for all, as every registry takes it.
   */
  chunkSize?: number | undefined;
}

/** How a mount ended: the blob is there, or the registry opened an upload session instead. */
export type MountResult = { readonly mounted: true } | { readonly mounted: false; readonly upload?: Upload };

/** Options for {@linkcode Repository.headBlob}. */
export interface HeadBlobOptions extends CallOptions {
  /**
   * What the token that is used allows. Default: `pull,push`, which an upload needs next; readers may not have it. With
   * `pull`, a GET decides where a HEAD is refused or finds nothing.
   */
  actions?: "pull" | "pull,push" | undefined;
}

/** The size of a blob, or `undefined` where it is not there. */
export async function headBlob(
  api: RepositoryApi,
  digest: Digest,
  { actions = "pull,push", ...options }: HeadBlobOptions,
): Promise<number | undefined> {
  const call = { ...options, actions };
  let answer = await api.send("HEAD", `blobs/${digest}`, call);
  await answer.response.body?.cancel();
  // Before an upload, this would cost a request more for every new blob, and the upload settles it.
  const asks = actions === "pull" && isInconclusiveHead(answer.response.status);
  if (asks) answer = await api.send("GET", `blobs/${digest}`, call);
  const { response } = answer;
  if (response.status !== 200 && response.status !== 404) throw await readError(asks ? "GET" : "HEAD", answer);
  await response.body?.cancel();
  if (response.status === 404) return undefined;
  const size = response.headers.get("content-length");
  return size === null ? UNKNOWN_SIZE : Number(size);
}

/** Reads a blob, resumed where it breaks, from the registry or else from where foreign layers are. */
export async function getBlob(api: RepositoryApi, digest: Digest, options: GetBlobOptions): Promise<ByteStream> {
  const { size = UNKNOWN_SIZE, urls = [], ...call } = options;
  const get = (range: string | undefined, signal: AbortSignal) =>
    api.send("GET", `blobs/${digest}`, { ...call, signal, headers: range ? { range } : {} });
  const pause = (attempt: number, signal: AbortSignal) => api.connection.pause(attempt, signal);
  const download = { digest, size, pause, signal: call.signal };
  try {
    return await openDownload({ ...download, get });
  } catch (error) {
    if (urls.length === 0 || !isManifestsError(error, "NOT_FOUND")) throw error;
    const send = (request: HttpRequest) => api.connection.sendElsewhere(request);
    const { maxRetries } = call;
    return await openForeign({ ...download, send, urls, allowPrivate: api.connection.isLocal, maxRetries }, error);
  }
}

/** Mounts a blob from another repository; `from` `undefined` lets the registry find one itself. */
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
      // What does not name the blob may answer 201 to everything.
      return { mounted: namesBlob(answer.response, digest) || await headBlob(api, digest, options) !== undefined };
    }
    const upload = findUpload(answer);
    return { mounted: false, ...(upload ? { upload } : {}) };
  } catch (error) {
    // A token service may findProblem the scope of the other repository.
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

/** Uploads a blob that is verified on its way. */
export async function putBlob(
  api: RepositoryApi,
  blob: OutgoingBlob,
  stream: ByteStream,
  options: PutBlobOptions,
): Promise<void> {
  const { upload, reopen, chunkSize, ...call } = options;
  if (chunkSize !== undefined && !(Number.isSafeInteger(chunkSize) && chunkSize > 0)) {
    throw new RangeError(`Cannot upload as chunkSize must be a positive integer: current value is ${chunkSize}`);
  }
  await uploadBlob({
    send: uploadSender(api, call),
    sendLast: uploadSender(api, {}),
    pause: (attempt, error) =>
      api.connection.pause(attempt, call.signal, {
        step: `uploading a blob to ${api.connection.host}/${api.path}`,
        maxRetries: 3,
        error,
      }),
    limits: getUploadLimits(api.connection),
    isThere: async () => await headBlob(api, blob.digest(), { ...call, actions: "pull" }) !== undefined,
    start: `/v2/${api.path}/blobs/uploads/`,
    stallTimeout: api.connection.timeouts.uploadTimeout,
    upload,
    reopen,
    chunkSize,
    blob,
    // A small blob is read before anything is sent.
    stream: abortableStream(stream, call.signal),
  });
}

/** Gives an upload session up. */
export async function cancelUpload(api: RepositoryApi, upload: Upload): Promise<void> {
  await new UploadSession(uploadSender(api, {}), upload).cancel();
}

function uploadSender(api: RepositoryApi, call: CallOptions): SendUpload {
  const scopes = [api.scope("pull,push")];
  return async (request) => {
    using joined = joinSignals(call.signal, request.signal);
    const answer = await api.connection.send({ ...call, ...request, signal: joined.signal, scopes });
    return { ...answer, signal: call.signal };
  };
}
