import { type ByteStream, mapStream, streamOf } from "../internal/room.ts";
import { type Digest, isDigest } from "../spec/room.ts";
import { contentAnswer, emptyAnswer, Refusal } from "./answers.ts";
import type { RegistryStorage, UploadSession } from "./storage.ts";

/** Upload sessions that nobody finished are dropped beyond this number, oldest first. */
const MAX_SESSIONS = 1000;

/** The blob half of the API: reading, deleting, uploading, mounting. */
export class BlobHandlers {
  readonly #storage: RegistryStorage;
  readonly #uploads = new Map<string, UploadSession>();
  /** What each session is busy with: its requests are served one after another. */
  readonly #busy = new WeakMap<UploadSession, Promise<unknown>>();

  constructor(storage: RegistryStorage) {
    this.#storage = storage;
  }

  /** `GET`, `HEAD` or `DELETE` of `/v2/<name>/blobs/<digest>`. */
  async blob(request: Request, repository: string, reference: string): Promise<Response> {
    const digest = checkDigest(reference);
    const size = await this.#storage.statBlob(repository, digest);
    if (size === undefined) throw new Refusal("BLOB_UNKNOWN", `blob unknown to registry: ${digest}`);
    if (request.method === "DELETE") {
      await this.#storage.deleteBlob(repository, digest);
      return emptyAnswer(202);
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
    return await contentAnswer(
      request.method,
      range ? 206 : 200,
      headers,
      () => this.#storage.readBlob(digest, { start, end }),
    );
  }

  /** `POST` of `/v2/<name>/blobs/uploads/`: a mount, a whole blob, or a new session. */
  async start(
    request: Request,
    url: URL,
    repository: string,
    mayPull: (repository: string) => boolean,
  ): Promise<Response> {
    const mount = url.searchParams.get("mount");
    const from = url.searchParams.get("from");
    if (
      mount !== null && from !== null && mayPull(from) &&
      await this.#storage.linkBlob(checkDigest(mount), from, repository)
    ) {
      return blobCreated(repository, checkDigest(mount));
    }
    const session = await this.#storage.createUpload();
    const digest = url.searchParams.get("digest");
    if (digest !== null) {
      const checked = checkDigest(digest);
      await session.append(bodyOf(request)).catch(async (error) => {
        await session.cancel();
        throw error;
      });
      return await this.#finish(session, repository, checked);
    }
    const id = crypto.randomUUID();
    this.#uploads.set(id, session);
    if (this.#uploads.size > MAX_SESSIONS) await this.#drop(this.#uploads.keys().next().value!);
    return sessionAnswer(202, repository, id, 0);
  }

  /** What may be done with a session: `/v2/<name>/blobs/uploads/<id>`. */
  async session(request: Request, url: URL, repository: string, id: string): Promise<Response> {
    const session = this.#uploads.get(id);
    if (!session) throw new Refusal("BLOB_UPLOAD_UNKNOWN", `blob upload unknown to registry: ${id}`);
    switch (request.method) {
      case "GET":
        return sessionAnswer(204, repository, id, session.size);
      case "DELETE":
        await this.#drop(id);
        return emptyAnswer(204);
      case "PATCH":
        await this.#append(request, session, repository, id);
        return sessionAnswer(202, repository, id, session.size);
      case "PUT": {
        const digest = checkDigest(url.searchParams.get("digest") ?? "");
        await this.#append(request, session, repository, id);
        if (!this.#uploads.delete(id)) throw new Refusal("BLOB_UPLOAD_UNKNOWN", `blob upload ended meanwhile: ${id}`);
        return await this.#finish(session, repository, digest);
      }
      default:
        throw new Refusal("UNSUPPORTED", `${request.method} is not supported here`);
    }
  }

  async #append(request: Request, session: UploadSession, repository: string, id: string): Promise<void> {
    try {
      await this.#inTurn(session, async () => {
        checkContentRange(request.headers.get("content-range"), session, repository, id);
        await session.append(bodyOf(request));
      });
    } catch (error) {
      // A client that went away, or sent another chunk than the next one, may go on; a storage that failed may not.
      if (!(error instanceof Refusal)) await this.#drop(id);
      throw error;
    }
  }

  async #inTurn<T>(session: UploadSession, work: () => Promise<T>): Promise<T> {
    const turn = (this.#busy.get(session) ?? Promise.resolve()).then(work);
    this.#busy.set(session, turn.catch(() => {}));
    return await turn;
  }

  async #finish(session: UploadSession, repository: string, digest: Digest): Promise<Response> {
    try {
      if (await session.finish(repository, digest)) return blobCreated(repository, digest);
    } catch (error) {
      await session.cancel();
      throw error;
    }
    await session.cancel();
    throw new Refusal("DIGEST_INVALID", "provided digest did not match uploaded content");
  }

  async #drop(id: string): Promise<void> {
    const session = this.#uploads.get(id);
    if (this.#uploads.delete(id)) await this.#inTurn(session!, () => session!.cancel());
  }
}

/** The body of a request; where the client breaks it off, that is the client's failure, not the registry's. */
function bodyOf(request: Request): ByteStream {
  if (!request.body) return streamOf(new Uint8Array());
  const fail = () => new Refusal("BLOB_UPLOAD_INVALID", "the request body broke off");
  return mapStream(request.body as ByteStream, { fail });
}

function checkDigest(text: string): Digest {
  if (!isDigest(text)) throw new Refusal("DIGEST_INVALID", `invalid digest: ${text.slice(0, 200)}`);
  return text;
}

function blobCreated(repository: string, digest: Digest): Response {
  return emptyAnswer(201, { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest });
}

function sessionAnswer(status: number, repository: string, id: string, size: number): Response {
  return emptyAnswer(status, {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    "docker-upload-uuid": id,
    range: `0-${Math.max(size - 1, 0)}`,
  });
}

/** Chunks must follow one another without a gap. */
function checkContentRange(header: string | null, session: UploadSession, repository: string, id: string): void {
  if (header === null || Number(/^(\d+)-\d+$/.exec(header)?.[1] ?? NaN) === session.size) return;
  throw new Refusal("BLOB_UPLOAD_INVALID", `chunk ${header} does not follow the ${session.size} bytes that arrived`, {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(session.size - 1, 0)}`,
  });
}

/** A single byte range; `undefined` where the whole is wanted or the header is of a form that may be ignored. */
function parseRange(header: string | null, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const start = match[1] === "" ? Math.max(size - Number(match[2]), 0) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? size : Math.min(Number(match[2]) + 1, size);
  if (start >= end) throw new Refusal("RANGE_INVALID", "range not satisfiable", { "content-range": `bytes */${size}` });
  return { start, end };
}
