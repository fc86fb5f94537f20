import { type ByteStream, type CallOptions, toStream } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  EMPTY_DESCRIPTOR,
  EMPTY_JSON,
  findReferrer,
  isManifestsError,
  parseManifest,
  type Referrer,
  verifyBlob,
} from "../spec/room.ts";
import {
  cancelUpload,
  getBlob,
  headBlob,
  type HeadBlobOptions,
  mountBlob,
  type MountResult,
  putBlob,
  type PutBlobOptions,
} from "./blobs.ts";
import type { RegistryConnection } from "./connection.ts";
import { createUniqueManifest, deletePath, findReferrerAt } from "./delete.ts";
import { RegistryError } from "./errors.ts";
import { type FetchedManifest, findManifest, getManifest } from "./manifests.ts";
import { assertPageSize, DEFAULT_PAGE_SIZE, getPageTarget, listNames, type ListOptions } from "./pages.ts";
import { putManifest, type PutManifestOptions } from "./put_manifest.ts";
import { hasReferrersApi, listReferrers, type ListReferrersOptions } from "./referrers.ts";
import { getUpdater } from "./referrers_update.ts";
import { RepositoryApi } from "./repository_api.ts";
import { getSignatureList, putSignature } from "./signatures.ts";
import type { Upload } from "./upload_session.ts";
import { VerifiedSource } from "./verified_source.ts";

/** Options for {@linkcode Repository.deleteTag}. */
export interface DeleteTagOptions extends CallOptions {
  /**
   * If the registry cannot delete tags, point the tag at a new manifest that nothing else names, and delete that
   * manifest.
   *
   * @default {false}
   */
  replace?: boolean | undefined;
}

/** Opens a repository; no request is sent. */
export let openRepository: (connection: RegistryConnection, path: string) => Repository;

/** Returns the requests of a repository, for operations that are not published. */
export let getApi: (repository: Repository) => RepositoryApi;

/**
 * A repository of a registry: manifests, blobs, tags and referrers (distribution-spec). Every request may fail with a
 * {@linkcode RegistryError}, whose `code` follows from the status: `UNAUTHORIZED` (401), `DENIED` (403, 412),
 * `NOT_FOUND` (404), `TOO_MANY_REQUESTS` (429), otherwise `REGISTRY_ERROR`; and with a `ManifestsError` with code
 * `NETWORK` if the registry cannot be reached, or `PORT_BLOCKED` if `fetch` refuses its port.
 *
 * @example Two writers of one tag
 * ```ts
 * import { RegistryClient } from "@multiarch/manifests/registry";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const { fetch } = createRegistry({ storage: createMemoryStorage() });
 * const repository = new RegistryClient("registry.example", { fetch }).repository("me/app");
 * const index = (name: string) =>
 *   new TextEncoder().encode(
 *     `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"by":"${name}"}}`,
 *   );
 * const digest = await repository.putManifest("1", index("me"), { ifMatch: null });
 * await repository.putManifest("1", index("you"), { ifMatch: digest });
 * await assert.rejects(repository.putManifest("1", index("me again"), { ifMatch: digest }), { code: "CONFLICT" });
 * assert.deepEqual(await Array.fromAsync(repository.listTags()), ["1"]);
 * ```
 */
export class Repository {
  readonly #api: RepositoryApi;

  static {
    openRepository = (connection, path) => new Repository(new RepositoryApi(connection, path));
    getApi = (repository) => repository.#api;
  }

  /** Use {@linkcode RegistryClient.repository}. */
  private constructor(api: RepositoryApi) {
    this.#api = api;
  }

  /** Path of the repository, as in `library/alpine`. */
  get path(): string {
    return this.#api.path;
  }

  /**
   * Reads a manifest by tag or digest and verifies it.
   *
   * @throws {RegistryError} With code `NOT_FOUND` if the manifest does not exist.
   * @throws {DigestMismatchError} If the bytes do not have the requested digest, or the one in the registry's header.
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED` above 4 MiB, `REGISTRY_ERROR` if a web page came instead.
   */
  async getManifest(tagOrDigest: string, options: CallOptions = {}): Promise<FetchedManifest> {
    return await getManifest(this.#api, tagOrDigest, options);
  }

  /**
   * Returns the descriptor of a manifest, or `undefined` if there is none. Reads the manifest if the response to `HEAD`
   * is incomplete, or, unless `headOnly` is set, if it finds nothing, as not all registries can answer it.
   */
  async headManifest(
    tagOrDigest: string,
    options: CallOptions & { readonly headOnly?: boolean | undefined } = {},
  ): Promise<Descriptor | undefined> {
    return (await findManifest(this.#api, tagOrDigest, options))?.descriptor;
  }

  /**
   * Writes a manifest under a tag or its digest and returns its digest. If the manifest has a subject, and the registry
   * does not acknowledge it, the tag that lists the subject's referrers is updated too (distribution-spec, "Referrers
   * Tag Schema").
   *
   * A rejection is not an error if the registry already has this manifest under this name, as with immutable tags.
   *
   * @throws {RegistryError} With code `MANIFEST_REJECTED` if the registry does not accept this manifest.
   * @throws {DigestMismatchError} If the bytes do not have the given digest.
   * @throws {ManifestsError} With code `CONFLICT` if the tag does not name `ifMatch`, or names another manifest
   * afterwards; `DIGEST_MISMATCH` if the registry stored another manifest.
   */
  async putManifest(
    tagOrDigest: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: PutManifestOptions = {},
  ): Promise<Digest> {
    return (await this.writeManifest(tagOrDigest, bytes, options)).digest;
  }

  /** Writes a manifest like {@linkcode Repository.putManifest}; also returns whether it was already under this name. */
  async writeManifest(
    tagOrDigest: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: PutManifestOptions = {},
  ): Promise<{ digest: Digest; unchanged: boolean }> {
    const { digest, subject, unchanged } = await putManifest(this.#api, tagOrDigest, bytes, options);
    const referrer = typeof subject === "string" ? undefined : findReferrerIn(bytes, digest, options.mediaType);
    const call = pickCallOptions(options);
    // `null`: the registry did not acknowledge the subject. `undefined`: this call did not write the manifest, so only
    // the referrers API tells whether the registry knows it.
    if (referrer && (subject === null || !await hasReferrersApi(this.#api, referrer.subject, call))) {
      await getUpdater(this.#api.connection).add(this.#api, referrer.subject, referrer.descriptor, call);
    }
    return { digest, unchanged };
  }

  /**
   * Deletes a manifest, or a tag if the registry can delete tags. Returns `false` if it did not exist. A manifest with a
   * subject is also removed from the tag that lists the subject's referrers, if the registry has no referrers API.
   */
  async deleteManifest(tagOrDigest: string, options: CallOptions = {}): Promise<boolean> {
    const referrer = await findReferrerAt(this.#api, tagOrDigest, options);
    const deleted = await deletePath(this.#api, `manifests/${tagOrDigest}`, options);
    if (referrer && !await hasReferrersApi(this.#api, referrer.subject, options)) {
      const updater = getUpdater(this.#api.connection);
      await updater.remove(this.#api, referrer.subject, referrer.descriptor.digest, options);
    }
    return deleted;
  }

  /**
   * Deletes a tag, and not the manifest that it names. Returns `false` if it did not exist.
   *
   * @throws {RegistryError} With code `REGISTRY_ERROR` if the registry cannot delete tags and `replace` is not set.
   */
  async deleteTag(tag: string, options: DeleteTagOptions = {}): Promise<boolean> {
    const { replace = false, ...call } = options;
    if (!replace) return await deletePath(this.#api, `manifests/${tag}`, call);
    try {
      return await deletePath(this.#api, `manifests/${tag}`, call);
    } catch (error) {
      if (!(error instanceof RegistryError) || ![400, 405].includes(error.status)) throw error;
    }
    if (await this.headManifest(tag, call) === undefined) return false;
    await this.putBlob({ ...EMPTY_DESCRIPTOR, size: EMPTY_JSON.length }, toStream(EMPTY_JSON), call);
    return await deletePath(this.#api, `manifests/${await this.putManifest(tag, createUniqueManifest(), call)}`, call);
  }

  /**
   * Returns the size of a blob in bytes, or `undefined` if it does not exist; `UNKNOWN_SIZE` if the registry does not
   * report the size.
   */
  async headBlob(digest: Digest, options: HeadBlobOptions = {}): Promise<number | undefined> {
    return await headBlob(this.#api, digest, options);
  }

  /**
   * Reads a blob as a stream that is verified against its descriptor: the stream fails before its end if the size or the
   * digest differs. An interrupted download is resumed. If the registry does not have the blob, the descriptor's `urls`
   * are tried.
   *
   * @throws {RegistryError} With code `NOT_FOUND` if the blob does not exist.
   * @throws {ManifestsError} With code `SIZE_MISMATCH` if the registry announces another size, `DENIED` if a URL of the
   * descriptor leads into this machine's network. The stream fails with `NETWORK` or a `DigestMismatchError`.
   */
  async getBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<ByteStream> {
    const { digest, size, urls } = descriptor;
    return verifyBlob(await getBlob(this.#api, digest, { ...options, size, urls }), descriptor);
  }

  /**
   * Asks the registry to mount a blob from another of its repositories. With `from` `undefined`, the registry may choose
   * the repository. A failed mount is not an error: the caller uploads the blob instead.
   */
  async mountBlob(digest: Digest, from: string | undefined, options: CallOptions = {}): Promise<MountResult> {
    return await mountBlob(this.#api, digest, from, options);
  }

  /**
   * Uploads a blob. The stream is verified while it is sent; if it is wrong, nothing is published.
   *
   * @throws {DigestMismatchError} If the stream does not have the descriptor's digest.
   * @throws {ManifestsError} With code `SIZE_MISMATCH` if the stream does not have the descriptor's size.
   * @throws {RangeError} If `chunkSize` is not a positive integer.
   */
  async putBlob(descriptor: Descriptor, stream: ByteStream, options: PutBlobOptions = {}): Promise<void> {
    const { digest, size } = descriptor;
    const { reopen } = options;
    const source = new VerifiedSource(descriptor);
    const blob = { size, algorithm: digestAlgorithm(digest), digest: () => digest };
    await putBlob(this.#api, blob, source.verify(stream, 0), {
      ...options,
      ...(reopen ? { reopen: async (offset) => source.verify(await reopen(offset), offset) } : {}),
    });
  }

  /** Cancels an upload session. Errors are ignored: registries forget abandoned sessions by themselves, later. */
  async cancelUpload(upload: Upload): Promise<void> {
    await cancelUpload(this.#api, upload);
  }

  /** Deletes a blob. Returns `false` if it did not exist. */
  async deleteBlob(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    return await deletePath(this.#api, `blobs/${digest}`, options);
  }

  /**
   * Lists the tags, page by page, in the registry's order. The list is empty if the repository does not exist.
   *
   * @throws {RangeError} If `pageSize` is not a positive integer.
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if the list is too long, `REGISTRY_ERROR` if it is not JSON.
   */
  async *listTags(options: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const { last, pageSize = DEFAULT_PAGE_SIZE, ...call } = options;
    assertPageSize(pageSize);
    const list = { path: `/v2/${this.path}/tags/list`, member: "tags", pageSize, last };
    const get = (target: string) => this.#api.send("GET", target, call);
    const first = await get(getPageTarget(list));
    if (first.response.status === 404) return void await first.response.body?.cancel();
    yield* listNames(first, get, list);
  }

  /**
   * Lists the descriptors of the manifests whose subject has this digest, with their artifact types and annotations. If
   * the registry has no referrers API, the tag of the referrers tag schema is read instead.
   *
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED` if the list is too long, `REGISTRY_ERROR` if the tag does not
   * name an index.
   */
  listReferrers(
    subject: Digest,
    options: ListReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    return listReferrers(this.#api, subject, options);
  }

  /** Returns whether the registry stores simple signatures; see {@linkcode RegistryClient.supportsSignatures}. */
  async supportsSignatures(options: CallOptions = {}): Promise<boolean> {
    return await this.#api.connection.supportsSignatures(options);
  }

  /**
   * Reads the list of a manifest's simple signatures as the registry sends it: JSON, not verified.
   *
   * @throws {RegistryError} With code `NOT_FOUND` if the registry has no list; a manifest without signatures has an empty
   * list instead.
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED` above 4 MiB.
   */
  async getSignatureList(digest: Digest, options: CallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return await getSignatureList(this.#api, digest, options);
  }

  /**
   * Adds a simple signature, given as an object of the registry's API, to those of a manifest.
   *
   * @throws {RegistryError} With the code of the status if the registry does not store the signature.
   */
  async putSignature(
    digest: Digest,
    signature: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<void> {
    await putSignature(this.#api, digest, signature, options);
  }
}

/** Returns the referrer that a manifest is; `undefined` if it has no subject or is not of a known type. */
function findReferrerIn(bytes: Uint8Array<ArrayBuffer>, digest: Digest, mediaType?: string): Referrer | undefined {
  try {
    return findReferrer(parseManifest(bytes, mediaType), digest);
  } catch (error) {
    if (isManifestsError(error)) return undefined;
    throw error;
  }
}

function pickCallOptions({ signal, maxRetries }: CallOptions): CallOptions {
  return { signal, maxRetries };
}
