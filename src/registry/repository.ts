import { type ByteStream, type CallOptions, readStream } from "../internal/mod.ts";
import {
  type Descriptor,
  type Digest,
  guessMediaType,
  isDigest,
  isManifestsError,
  manifestDigest,
  ManifestsError,
  MAX_MANIFEST_SIZE,
  MEDIA_TYPES,
  UNKNOWN_SIZE,
  verifyBlob,
  verifyManifestDigest,
} from "../spec/mod.ts";
import { bodyOf, BrokenBodyError } from "./body.ts";
import type { RegistryClient } from "./client.ts";
import { errorOf } from "./errors.ts";
import { openDownload } from "./download.ts";
import { openForeign } from "./foreign.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import { listPages } from "./pages.ts";
import { type OutgoingBlob, uploadBlob } from "./upload.ts";
import { findUpload, type SendUpload, type Upload, UploadSession } from "./upload_session.ts";
import { VerifiedSource } from "./verified_source.ts";

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
}

/** How a mount ended: the blob is there, or the registry opened an upload session instead. */
export type MountResult = { readonly mounted: true } | { readonly mounted: false; readonly upload?: Upload };

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

/** A repository of a registry: manifests, blobs and tags (distribution-spec). */
export class Repository {
  /** Its path, as in `library/alpine`. */
  readonly path: string;
  readonly #client: RegistryClient;

  /** Use {@linkcode RegistryClient.repository}. */
  constructor(client: RegistryClient, path: string) {
    this.#client = client;
    this.path = path;
  }

  /**
   * Reads a manifest by tag or digest and verifies it.
   *
   * @throws {RegistryError} With code `NOT_FOUND` and others.
   * @throws {DigestMismatchError} Where the bytes are not those that the digest, or the registry's header, promises.
   */
  async getManifest(tagOrDigest: string, options: CallOptions = {}): Promise<FetchedManifest> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#getManifest(tagOrDigest, options);
      } catch (error) {
        // The answer came, and broke off: what was before it has been repeated already.
        if (!(error instanceof BrokenBodyError) || attempt > (options.maxRetries ?? 3)) throw error;
      }
    }
  }

  async #getManifest(tagOrDigest: string, options: CallOptions): Promise<FetchedManifest> {
    const answer = await this.#send("GET", `manifests/${tagOrDigest}`, {
      ...options,
      headers: { accept: ACCEPTED_MANIFESTS },
    });
    const { response, url } = answer;
    if (response.status !== 200) throw await errorOf("GET", { response, url });
    const bytes = Number(response.headers.get("content-length") ?? 0) > MAX_MANIFEST_SIZE
      ? await response.body?.cancel()
      : await readStream(bodyOf(answer), MAX_MANIFEST_SIZE);
    if (!bytes) {
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read the manifest ${this.#name(tagOrDigest)} as it has more than ${MAX_MANIFEST_SIZE} bytes`,
      );
    }
    const what = `the manifest ${this.#name(tagOrDigest)}`;
    const promised = isDigest(tagOrDigest) ? tagOrDigest : response.headers.get("docker-content-digest") ?? "";
    if (isDigest(promised)) verifyManifestDigest(bytes, promised, what);
    const mediaType = simplifyContentType(response.headers.get("content-type"));
    return { bytes, mediaType, digest: isDigest(promised) ? promised : manifestDigest(bytes) };
  }

  /** The descriptor of a manifest, or `undefined` where there is none. Reads the manifest where a `HEAD` does not tell. */
  async headManifest(tagOrDigest: string, options: CallOptions = {}): Promise<Descriptor | undefined> {
    const { response, url } = await this.#send("HEAD", `manifests/${tagOrDigest}`, {
      ...options,
      headers: { accept: ACCEPTED_MANIFESTS },
    });
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw await errorOf("HEAD", { response, url });
    const digest = response.headers.get("docker-content-digest") ?? "";
    const size = response.headers.get("content-length");
    if (isDigest(digest) && size !== null) {
      return { mediaType: simplifyContentType(response.headers.get("content-type")), digest, size: Number(size) };
    }
    const manifest = await this.getManifest(tagOrDigest, options);
    return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
  }

  /**
   * Writes a manifest under a tag or its digest and returns its digest.
   *
   * @param mediaType Default: guessed from the bytes.
   * @throws {RegistryError} With code `MANIFEST_REJECTED` where the registry does not want this manifest.
   */
  async putManifest(
    tagOrDigest: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: CallOptions & { mediaType?: string } = {},
  ): Promise<Digest> {
    const { mediaType = guessMediaType(bytes), ...call } = options;
    const digest = manifestDigest(bytes);
    if (isDigest(tagOrDigest)) verifyManifestDigest(bytes, tagOrDigest, `the manifest ${tagOrDigest}`);
    const { response, url } = await this.#send("PUT", `manifests/${tagOrDigest}`, {
      ...call,
      headers: { "content-type": mediaType },
      body: bytes,
    }, "pull,push");
    if (response.status < 200 || response.status > 299) throw await errorOf("PUT", { response, url });
    await response.body?.cancel();
    const stored = response.headers.get("docker-content-digest");
    if (stored !== null && stored !== digest && !isDigest(tagOrDigest)) {
      throw new ManifestsError(
        "DIGEST_MISMATCH",
        `Cannot trust the upload of ${this.#name(tagOrDigest)} as the registry stored ${stored} instead of ${digest}`,
      );
    }
    return digest;
  }

  /** Deletes a manifest or tag; `false` where there was none. */
  async deleteManifest(tagOrDigest: string, options: CallOptions = {}): Promise<boolean> {
    const { response, url } = await this.#send("DELETE", `manifests/${tagOrDigest}`, options, "*");
    if (response.status !== 404 && (response.status < 200 || response.status > 299)) {
      throw await errorOf("DELETE", { response, url });
    }
    await response.body?.cancel();
    return response.status !== 404;
  }

  /** The size of a blob in bytes, or `undefined` where it is not there; `UNKNOWN_SIZE` where the registry does not say. */
  async headBlob(digest: Digest, options: CallOptions = {}): Promise<number | undefined> {
    const { response, url } = await this.#send("HEAD", `blobs/${digest}`, options, "pull,push");
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw await errorOf("HEAD", { response, url });
    const size = response.headers.get("content-length");
    return size === null ? UNKNOWN_SIZE : Number(size);
  }

  /**
   * Reads a blob as a stream that is verified against its descriptor: it fails before its end where size or digest
   * differ.
   */
  async getBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<ByteStream> {
    const { digest, size, urls } = descriptor;
    return verifyBlob(await this.getUnverifiedBlob(digest, { ...options, size, urls }), descriptor);
  }

  /**
   * Reads a blob as the registry sends it, for callers that verify it themselves, so that it is not hashed twice. A
   * download that breaks off goes on where it was.
   */
  async getUnverifiedBlob(digest: Digest, options: GetBlobOptions = {}): Promise<ByteStream> {
    const { size = UNKNOWN_SIZE, urls = [], ...call } = options;
    const { signal } = call;
    const get = (range: string | undefined, signal: AbortSignal) =>
      this.#send("GET", `blobs/${digest}`, { ...call, signal, ...(range ? { headers: { range } } : {}) });
    const pause = (attempt: number, signal: AbortSignal) => this.#client.pause(attempt, signal);
    try {
      return await openDownload({ get, pause, digest, size, signal });
    } catch (error) {
      if (urls.length === 0 || !isManifestsError(error, "NOT_FOUND")) throw error;
      const send = (request: HttpRequest) => this.#client.sendElsewhere(request);
      const allowPrivate = this.#client.isLocal;
      return await openForeign({ ...call, send, pause, digest, size, urls, allowPrivate }, error);
    }
  }

  /** Asks the registry to take a blob from another of its repositories. Trouble is no error: the blob can be uploaded. */
  async mountBlob(digest: Digest, from: string, options: CallOptions = {}): Promise<MountResult> {
    const extraScopes = [`repository:${from}:pull`];
    const target = `blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`;
    try {
      const answer = await this.#send("POST", target, { ...options, extraScopes }, "pull,push");
      await answer.response.body?.cancel();
      if (answer.response.status === 201) return { mounted: true };
      const upload = findUpload(answer);
      return { mounted: false, ...(upload ? { upload } : {}) };
    } catch (error) {
      // A token service may refuse the scope of the other repository.
      if (isManifestsError(error)) return { mounted: false };
      throw error;
    }
  }

  /**
   * Uploads a blob. The stream is verified on its way; where it is wrong, nothing is published.
   *
   * @throws {DigestMismatchError} Where the stream is not what the descriptor says.
   */
  async putBlob(descriptor: Descriptor, stream: ByteStream, options: PutBlobOptions = {}): Promise<void> {
    const { digest, size } = descriptor;
    const source = new VerifiedSource(descriptor);
    const { reopen } = options;
    await this.putVerifiedBlob({ size, digest: () => digest }, source.verify(stream, 0), {
      ...options,
      ...(reopen ? { reopen: async (offset) => source.verify(await reopen(offset), offset) } : {}),
    });
  }

  /** Uploads a blob from a stream that was verified already and fails where it is wrong. */
  async putVerifiedBlob(blob: OutgoingBlob, stream: ByteStream, options: PutBlobOptions = {}): Promise<void> {
    const { upload, reopen, chunkSize, ...call } = options;
    await uploadBlob({
      send: this.#uploadSender(call),
      sendLast: this.#uploadSender({}),
      pause: (attempt) => this.#client.pause(attempt, call.signal),
      isThere: async () => await this.headBlob(blob.digest(), call) !== undefined,
      start: `/v2/${this.path}/blobs/uploads/`,
      stallTimeout: this.#client.patience.uploadTimeout,
      upload,
      reopen,
      chunkSize,
      blob,
      stream,
    });
  }

  /** Gives an upload session up. Best effort: the registry forgets abandoned ones by itself, later. */
  async cancelUpload(upload: Upload): Promise<void> {
    await new UploadSession(this.#uploadSender({}), upload).cancel();
  }

  #uploadSender(call: CallOptions): SendUpload {
    const scopes = [this.#scope("pull,push")];
    return (request) => {
      const signals = [call.signal, request.signal].filter((signal) => signal !== undefined);
      const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
      return this.#client.send({ ...call, ...request, signal, scopes });
    };
  }

  /** The tags, page by page, in the registry's order; none where the repository is unknown. */
  async *listTags(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    const get = (target: string) =>
      this.#client.send({ method: "GET", target, scopes: [this.#scope("pull")], ...options });
    yield* listPages(get, `/v2/${this.path}/tags/list?n=1000`, "tags");
  }

  #send(
    method: string,
    rest: string,
    options: CallOptions & {
      headers?: Record<string, string>;
      body?: Uint8Array<ArrayBuffer>;
      extraScopes?: string[];
    },
    actions = "pull",
  ): Promise<HttpResponse> {
    const { extraScopes = [], ...request } = options;
    return this.#client.send({
      method,
      target: `/v2/${this.path}/${rest}`,
      scopes: [this.#scope(actions), ...extraScopes],
      ...request,
    });
  }

  #scope(actions: string): string {
    return `repository:${this.path}:${actions}`;
  }

  #name(tagOrDigest: string): string {
    return `${this.#client.host}/${this.path}${tagOrDigest.includes(":") ? "@" : ":"}${tagOrDigest}`;
  }
}

function simplifyContentType(value: string | null): string {
  return (value ?? "").split(";")[0]!.trim().toLowerCase();
}
