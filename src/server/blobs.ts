import { type ByteStream, mapStream, toStream } from "../internal/room.ts";
import { type Digest, isDigest } from "../spec/room.ts";
import { ApiError, createContentResponse, createEmptyResponse } from "./answers.ts";
import type { RegistryStorage, StoredUpload } from "./storage.ts";
import { UploadSessions } from "./upload_sessions.ts";

/** Handlers for blobs: read, delete, upload, mount. */
export class BlobHandlers {
  readonly #storage: RegistryStorage;
  readonly #sessions: UploadSessions;

  constructor(storage: RegistryStorage, now: () => number) {
    this.#storage = storage;
    this.#sessions = new UploadSessions(storage, now);
  }

  /** Handles `GET`, `HEAD` and `DELETE` of `/v2/<name>/blobs/<digest>`. */
  async blob(request: Request, repository: string, reference: string): Promise<Response> {
    const digest = parseDigest(reference);
    const size = await this.#storage.statBlob(repository, digest);
    if (size === undefined) failUnknown(digest);
    if (request.method === "DELETE") {
      await this.#storage.deleteBlob(repository, digest);
      return createEmptyResponse(202);
    }
    const range = parseRange(request.headers.get("range"), size);
    const { start, end } = range ?? { start: 0, end: size };
    const headers = {
      "content-type": "application/octet-stream",
      "content-length": `${end - start}`,
      "docker-content-digest": digest,
      "accept-ranges": "bytes",
      etag: `"${digest}"`,
      ...(range ? { "content-range": `bytes ${start}-${end - 1}/${size}` } : {}),
    };
    return await createContentResponse(
      request.method,
      range ? 206 : 200,
      headers,
      async () => await this.#storage.readBlob(digest, { start, end }) ?? failUnknown(digest),
    );
  }

  /** Handles `POST` of `/v2/<name>/blobs/uploads/`: mounts a blob, stores a whole blob, or opens a session. */
  async start(
    request: Request,
    url: URL,
    repository: string,
    mayPull: (repository: string) => Promise<boolean>,
  ): Promise<Response> {
    const mount = url.searchParams.get("mount");
    const from = url.searchParams.get("from");
    if (
      mount !== null && from !== null && await mayPull(from) &&
      await this.#storage.linkBlob(parseDigest(mount), from, repository)
    ) {
      return createBlobResponse(repository, parseDigest(mount));
    }
    const digest = url.searchParams.get("digest");
    if (digest === null) return createSessionResponse(202, repository, await this.#sessions.open(repository), 0);
    const checked = parseDigest(digest);
    const upload = await this.#storage.createUpload();
    await upload.append(getBody(request)).catch(async (error) => {
      await upload.cancel();
      throw error;
    });
    return await finish(upload, repository, checked);
  }

  /** Handles the requests of a session: `/v2/<name>/blobs/uploads/<id>`. */
  async session(request: Request, url: URL, repository: string, id: string): Promise<Response> {
    const { method } = request;
    if (!["GET", "DELETE", "PATCH", "PUT"].includes(method)) {
      throw new ApiError("UNSUPPORTED", `${method} is not supported here`);
    }
    const digest = method === "PUT" ? parseDigest(url.searchParams.get("digest") ?? "") : undefined;
    return await this.#sessions.use(id, repository, async (upload) => {
      if (method === "GET") return createSessionResponse(204, repository, id, upload.size);
      if (method === "DELETE") {
        await this.#sessions.drop(id);
        return createEmptyResponse(204);
      }
      await this.#append(request, upload, { repository, id });
      if (!digest) return createSessionResponse(202, repository, id, upload.size);
      this.#sessions.take(id);
      return await finish(upload, repository, digest);
    });
  }

  async #append(request: Request, upload: StoredUpload, session: SessionName): Promise<void> {
    try {
      await upload.append(getChunk(request, upload, session));
    } catch (error) {
      // After an interrupted request or a wrong chunk, the client may continue the session; after a failure of the storage
      // the session is lost.
      if (!(error instanceof ApiError)) await this.#sessions.drop(session.id);
      throw error;
    }
  }
}

async function finish(upload: StoredUpload, repository: string, digest: Digest): Promise<Response> {
  try {
    if (await upload.finish(repository, digest)) return createBlobResponse(repository, digest);
  } catch (error) {
    await upload.cancel();
    throw error;
  }
  await upload.cancel();
  throw new ApiError("DIGEST_INVALID", "provided digest did not match uploaded content");
}

/** Repository and id of an upload session. */
interface SessionName {
  readonly repository: string;
  readonly id: string;
}

/** Returns the body of a request. If it is interrupted, the stream fails with a client error (416), not with 500. */
function getBody(request: Request): ByteStream {
  if (!request.body) return toStream(new Uint8Array());
  const fail = () => new ApiError("BLOB_UPLOAD_INVALID", "the request body was interrupted");
  return mapStream(request.body as ByteStream, { fail });
}

function failUnknown(digest: Digest): never {
  throw new ApiError("BLOB_UNKNOWN", `blob unknown to registry: ${digest}`);
}

function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new ApiError("DIGEST_INVALID", `invalid digest: ${text.slice(0, 200)}`);
  return text;
}

function createBlobResponse(repository: string, digest: Digest): Response {
  return createEmptyResponse(201, { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest });
}

function createSessionResponse(status: number, repository: string, id: string, size: number): Response {
  return createEmptyResponse(status, {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    "docker-upload-uuid": id,
    range: `0-${Math.max(size - 1, 0)}`,
  });
}

/**
 * Returns the body of a request to a session. If it has a `Content-Range`, the range must follow the bytes that have
 * arrived, and the body must have its length.
 *
 * @throws {ApiError} With code `BLOB_UPLOAD_INVALID` otherwise; the stream fails with it, too.
 */
function getChunk(request: Request, upload: StoredUpload, session: SessionName): ByteStream {
  const range = request.headers.get("content-range");
  const body = getBody(request);
  if (range === null) return body;
  const [start, end] = /^(\d+)-(\d+)$/.exec(range)?.slice(1).map(Number) ?? [NaN, NaN];
  const length = end! - start! + 1;
  if (start !== upload.size || !(length > 0)) {
    throw createChunkError(`chunk ${range} does not follow the ${upload.size} bytes that arrived`, upload, session);
  }
  const mismatch = () =>
    createChunkError(`the request body does not have the ${length} bytes of ${range}`, upload, session);
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) !== length) throw mismatch();
  let received = 0;
  return mapStream(body, {
    chunk: (bytes) => {
      received += bytes.length;
      if (received > length) throw mismatch();
      return bytes;
    },
    end: () => {
      if (received !== length) throw mismatch();
      return undefined;
    },
  });
}

function createChunkError(message: string, { size }: StoredUpload, { repository, id }: SessionName): ApiError {
  return new ApiError("BLOB_UPLOAD_INVALID", message, {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(size - 1, 0)}`,
  });
}

/** Reads a `Range` header with a single range; `undefined` if there is none, or one of a form that may be ignored (RFC 9110 §14.2). */
function parseRange(header: string | null, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const start = match[1] === "" ? Math.max(size - Number(match[2]), 0) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? size : Math.min(Number(match[2]) + 1, size);
  if (start >= end) {
    throw new ApiError("RANGE_INVALID", "range not satisfiable", { "content-range": `bytes */${size}` });
  }
  return { start, end };
}
