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
  type GetBlobOptions,
  headBlob,
  type HeadBlobOptions,
  mountBlob,
  type MountResult,
  putBlob,
  type PutBlobOptions,
} from "./blobs.ts";
import type { RegistryClient } from "./client.ts";
import { deletePath, findReferrerAt, uniqueManifest } from "./delete.ts";
import { RegistryError } from "./errors.ts";
import { type FetchedManifest, findManifest, getManifest } from "./manifests.ts";
import { checkPageSize, DEFAULT_PAGE_SIZE, listNames, type ListOptions, pageTarget } from "./pages.ts";
import { putManifest, type PutManifestOptions, replaceManifest, type ReplaceManifestOptions } from "./put_manifest.ts";
import { hasReferrersApi, listReferrers, type ListReferrersOptions } from "./referrers.ts";
import { updaterOf } from "./referrers_update.ts";
import { RepositoryApi } from "./repository_api.ts";
import { getSignatureList, putSignature } from "./signatures.ts";
import type { OutgoingBlob } from "./upload.ts";
import type { Upload } from "./upload_session.ts";
import { VerifiedSource } from "./verified_source.ts";

/** Options for {@linkcode Repository.deleteTag}. */
export interface DeleteTagOptions extends CallOptions {
  /**
   * Whether, where a registry deletes no tags, the tag is pointed at a manifest of its own, which is deleted then.
   *
   * @default {false}
   */
  replace?: boolean | undefined;
}

/**
 * A repository of a registry: manifests, blobs, tags and referrers (distribution-spec).
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

  /** Use {@linkcode RegistryClient.repository}. */
  constructor(client: RegistryClient, path: string) {
    this.#api = new RepositoryApi(client, path);
  }

  /** Its path, as in `library/alpine`. */
  get path(): string {
    return this.#api.path;
  }

  /**
   * Reads a manifest by tag or digest and verifies it.
   *
   * @throws {RegistryError} With code `NOT_FOUND` and others.
   * @throws {DigestMismatchError} Where the bytes are not those that the digest, or the registry's header, promises.
   */
  async getManifest(tagOrDigest: string, options: CallOptions = {}): Promise<FetchedManifest> {
    return await getManifest(this.#api, tagOrDigest, options);
  }

  /** The descriptor of a manifest, or `undefined` where there is none. Reads the manifest where a `HEAD` does not tell. */
  async headManifest(tagOrDigest: string, options: CallOptions = {}): Promise<Descriptor | undefined> {
    return (await findManifest(this.#api, tagOrDigest, options))?.descriptor;
  }

  /**
   * Writes a manifest under a tag or its digest and returns its digest. If it has a subject, and the registry does not
   * acknowledge that, the tag that lists the subject's referrers is kept up to date.
   *
   * A refusal is not an error if the registry has this manifest under this name already, as with immutable tags.
   *
   * @throws {RegistryError} With code `MANIFEST_REJECTED` if the registry does not accept this manifest.
   * @throws {ManifestsError} With code `CONFLICT` if the tag does not name `ifMatch`, or another manifest afterwards.
   */
  async putManifest(
    tagOrDigest: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: PutManifestOptions = {},
  ): Promise<Digest> {
    return (await this.writeManifest(tagOrDigest, bytes, options)).digest;
  }

  /** As {@linkcode Repository.putManifest}; also returns whether the registry had the manifest under this name already. */
  async writeManifest(
    tagOrDigest: string,
    bytes: Uint8Array<ArrayBuffer>,
    options: PutManifestOptions = {},
  ): Promise<{ digest: Digest; unchanged: boolean }> {
    const { digest, subject, unchanged } = await putManifest(this.#api, tagOrDigest, bytes, options);
    const referrer = typeof subject === "string" ? undefined : referrerOf(bytes, digest, options.mediaType);
    const call = callOf(options);
    // Without an answer of the registry's own, only a question tells whether it acknowledges subjects.
    if (referrer && (subject === null || !await hasReferrersApi(this.#api, referrer.subject, call))) {
      await updaterOf(this.#api.client).add(this.#api, referrer.subject, referrer.descriptor, call);
    }
    return { digest, unchanged };
  }

  /**
   * Writes a manifest under a tag that the caller has read and edits together with others, and waits for slower writers.
   * The caller reads the tag again to make sure that its edit has not been overwritten.
   *
   * @throws {ManifestsError} With code `CONFLICT` if the tag names something else than was seen.
   */
  async replaceManifest(tag: string, bytes: Uint8Array<ArrayBuffer>, options: ReplaceManifestOptions): Promise<void> {
    await replaceManifest(this.#api, tag, bytes, options);
  }

  /** Deletes a manifest, or a tag where the registry deletes tags; `false` where there was none. */
  async deleteManifest(tagOrDigest: string, options: CallOptions = {}): Promise<boolean> {
    const referrer = await findReferrerAt(this.#api, tagOrDigest, options);
    const deleted = await deletePath(this.#api, `manifests/${tagOrDigest}`, options);
    if (referrer && !await hasReferrersApi(this.#api, referrer.subject, options)) {
      await updaterOf(this.#api.client).remove(this.#api, referrer.subject, referrer.descriptor.digest, options);
    }
    return deleted;
  }

  /**
   * Deletes a tag, and nothing that it names; `false` where there was none.
   *
   * @throws {RegistryError} With code `REGISTRY_ERROR` where the registry deletes no tags.
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
    return await deletePath(this.#api, `manifests/${await this.putManifest(tag, uniqueManifest(), call)}`, call);
  }

  /** The size of a blob in bytes, or `undefined` where it is not there; `UNKNOWN_SIZE` where the registry does not say. */
  async headBlob(digest: Digest, options: HeadBlobOptions = {}): Promise<number | undefined> {
    return await headBlob(this.#api, digest, options);
  }

  /**
   * Reads a blob as a stream that is verified against its descriptor: it fails before its end where size or digest
   * differ. A download that breaks off goes on where it was.
   */
  async getBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<ByteStream> {
    const { digest, size, urls } = descriptor;
    return verifyBlob(await this.getUnverifiedBlob(digest, { ...options, size, urls }), descriptor);
  }

  /** Reads a blob as the registry sends it. For callers that verify it themselves, so that it is not hashed twice. */
  async getUnverifiedBlob(digest: Digest, options: GetBlobOptions = {}): Promise<ByteStream> {
    return await getBlob(this.#api, digest, options);
  }

  /**
   * Asks the registry to take a blob from another of its repositories; with `from` `undefined`, from whichever it
   * finds. Trouble is no error: the blob can be uploaded.
   */
  async mountBlob(digest: Digest, from: string | undefined, options: CallOptions = {}): Promise<MountResult> {
    return await mountBlob(this.#api, digest, from, options);
  }

  /**
   * Uploads a blob. The stream is verified on its way; where it is wrong, nothing is published.
   *
   * @throws {DigestMismatchError} Where the stream is not what the descriptor says.
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

  /** Uploads a blob from a stream that was verified already and fails where it is wrong. */
  async putVerifiedBlob(blob: OutgoingBlob, stream: ByteStream, options: PutBlobOptions = {}): Promise<void> {
    await putBlob(this.#api, blob, stream, options);
  }

  /** Gives an upload session up. Best effort: the registry forgets abandoned ones by itself, later. */
  async cancelUpload(upload: Upload): Promise<void> {
    await cancelUpload(this.#api, upload);
  }

  /** Deletes a blob; `false` where there was none. */
  async deleteBlob(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    return await deletePath(this.#api, `blobs/${digest}`, options);
  }

  /** The tags, page by page, in the registry's order; none where the repository is unknown. */
  async *listTags(options: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const { last, pageSize = DEFAULT_PAGE_SIZE, ...call } = options;
    const list = { path: `/v2/${this.path}/tags/list`, member: "tags", pageSize: checkPageSize(pageSize), last };
    const get = (target: string) => this.#api.send("GET", target, call);
    const first = await get(pageTarget(list));
    if (first.response.status === 404) return void await first.response.body?.cancel();
    yield* listNames(first, get, list);
  }

  /**
   * The descriptors of the manifests whose subject is the one with this digest, with the types of their artifacts; from
   * the tag that stands in for the referrers API where the registry does not have it.
   */
  listReferrers(
    subject: Digest,
    options: ListReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    return listReferrers(this.#api, subject, options);
  }

  /** Whether the registry keeps simple signatures; see {@linkcode RegistryClient.supportsSignatures}. */
  async supportsSignatures(options: CallOptions = {}): Promise<boolean> {
    return await this.#api.client.supportsSignatures(options);
  }

  /**
   * The list of a manifest's simple signatures, as a registry sends it that keeps some: JSON, unverified.
   *
   * @throws {RegistryError} Also with code `NOT_FOUND`: a list of none is something else.
   * @throws {ManifestsError} With code `LIMIT_EXCEEDED` above 4 MiB.
   */
  async getSignatureList(digest: Digest, options: CallOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    return await getSignatureList(this.#api, digest, options);
  }

  /**
   * Adds a simple signature, as an object of the registry's API, to those of a manifest.
   *
   * @throws {RegistryError} Where the registry does not keep it.
   */
  async putSignature(
    digest: Digest,
    signature: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
  ): Promise<void> {
    await putSignature(this.#api, digest, signature, options);
  }
}

/** What a manifest is as a referrer; manifests that are none of ours have no subject. */
function referrerOf(bytes: Uint8Array<ArrayBuffer>, digest: Digest, mediaType?: string): Referrer | undefined {
  try {
    return findReferrer(parseManifest(bytes, mediaType), digest);
  } catch (error) {
    if (isManifestsError(error)) return undefined;
    throw error;
  }
}

function callOf({ signal, maxRetries }: CallOptions): CallOptions {
  return { signal, maxRetries };
}
