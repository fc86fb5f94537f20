import type {
  BlobOrigin,
  DestinationAbilities,
  FindManifestOptions,
  ImageDestination,
  ImageReference,
  NewBlob,
  StoredManifest,
  WriteManifestOptions,
} from "../../image/room.ts";
import type { ByteStream, CallOptions } from "../../internal/room.ts";
import {
  type ClientLease,
  connectForWriting,
  openBlobUpload,
  putVerifiedBlob,
  RegistryError,
  type Repository,
  type Upload,
} from "../../registry/room.ts";
import type { Signature } from "../../signature/room.ts";
import { type Descriptor, type Digest, MEDIA_TYPES, UNKNOWN_SIZE } from "../../spec/room.ts";
import type { DockerReference } from "./reference.ts";
import type { DockerSignatures } from "./signatures/mod.ts";

/** Options for {@linkcode DockerDestination}. */
export interface DockerDestinationOptions {
  /** True if the registry is offered Docker schema 1 manifests. */
  readonly schema1: boolean;
  /** Signatures of the repository, for writing. */
  readonly signatures: DockerSignatures;
}

/** An image in a registry, open for writing. */
export class DockerDestination implements ImageDestination {
  readonly reference: DockerReference;
  readonly abilities: DestinationAbilities;
  readonly #lease: ClientLease;
  readonly #repository: Repository;
  readonly #signatures: DockerSignatures;
  /**
   * Upload sessions that the registry opened in advance, or instead of mounting a blob. The upload of the blob uses its
   * session.
   */
  readonly #uploads = new Map<Digest, Promise<Upload | undefined>>();

  constructor(reference: DockerReference, lease: ClientLease, options: DockerDestinationOptions) {
    this.reference = reference;
    this.#lease = lease;
    this.#signatures = options.signatures;
    this.#repository = lease.client.repository(reference.dockerReference.path);
    this.abilities = {
      manifestTypes: [
        MEDIA_TYPES.ociManifest,
        MEDIA_TYPES.dockerManifest,
        MEDIA_TYPES.ociIndex,
        MEDIA_TYPES.dockerList,
        ...(options.schema1 ? [MEDIA_TYPES.dockerSchema1Signed, MEDIA_TYPES.dockerSchema1] : []),
      ],
      layerCompression: "compress",
      keepsForeignLayers: true,
      conditionalWrites: true,
      referrers: true,
      mountScope: `docker://${reference.dockerReference.domain}`,
    };
  }

  async connect({ transport, dockerReference: from }: ImageReference, options: CallOptions = {}): Promise<void> {
    // The instances of a list can be in several repositories, from which blobs are mounted with a token of their own.
    if (transport !== "docker" || !from) return void await this.#repository.supportsSignatures(options);
    const { domain, path } = this.reference.dockerReference;
    const isMountable = from.domain === domain && from.path !== path;
    await connectForWriting(this.#repository, isMountable ? from.path : undefined, options);
  }

  async findBlob({ digest, size }: Descriptor, options: CallOptions = {}): Promise<number | undefined> {
    const found = await this.#repository.headBlob(digest, options).catch(ignoreUnsupportedHead);
    // A blob of another size under this digest is damaged; uploading it again repairs it.
    return found === size || size === UNKNOWN_SIZE ? found : found === UNKNOWN_SIZE ? size : undefined;
  }

  async mountBlob({ digest }: Descriptor, { location }: BlobOrigin, options: CallOptions = {}): Promise<boolean> {
    if (location === this.reference.dockerReference.path) return true;
    // An earlier attempt to mount has left a session, which the upload uses.
    if (this.#uploads.has(digest)) return false;
    const result = await this.#repository.mountBlob(digest, location, options);
    if (result.mounted) return true;
    // A concurrent mount of the same blob may have opened a session as well; only one is needed.
    if (result.upload && this.#uploads.has(digest)) await this.#repository.cancelUpload(result.upload);
    else if (result.upload) this.#uploads.set(digest, Promise.resolve(result.upload));
    return false;
  }

  prepareBlob(digest: Digest, options: CallOptions = {}): void {
    if (this.#uploads.has(digest)) return;
    const opening = openBlobUpload(this.#repository, digest, options);
    opening.catch(() => {});
    this.#uploads.set(digest, opening);
  }

  async putBlob(blob: NewBlob, stream: ByteStream, options: CallOptions = {}): Promise<void> {
    const opening = blob.digest && this.#uploads.get(blob.digest);
    if (blob.digest) this.#uploads.delete(blob.digest);
    const upload = await opening;
    const outgoing = { size: blob.size, digest: () => blob.measured().digest };
    await putVerifiedBlob(this.#repository, outgoing, stream, { ...options, upload, reopen: blob.reopen });
  }

  async findManifest({ instance, ...call }: FindManifestOptions = {}): Promise<Digest | undefined> {
    return (await this.#repository.headManifest(instance ?? this.reference.target, call))?.digest;
  }

  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance, ...call }: WriteManifestOptions = {},
  ): Promise<{ unchanged: boolean }> {
    const target = instance ?? this.reference.target;
    return await this.#repository.writeManifest(target, bytes, { mediaType, ...call });
  }

  async supportsSignatures(kind: Signature["kind"], options: CallOptions = {}): Promise<true | string> {
    return await this.#signatures.supports(kind, options);
  }

  async putSignatures(
    signatures: readonly Signature[],
    manifest: StoredManifest,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#signatures.write(manifest, signatures, options);
  }

  /** Does nothing: every manifest is visible in the registry as soon as it is written. */
  commit(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#uploads.values(), async (opening) => {
      const upload = await opening.catch(() => undefined);
      if (upload) await this.#repository.cancelUpload(upload);
    }));
    this.#lease[Symbol.dispose]();
  }
}

/** Returns `undefined` for the errors of registries that reject HEAD requests for blobs but accept uploads. */
function ignoreUnsupportedHead(error: unknown): undefined {
  const refused = error instanceof RegistryError && error.code !== "TOO_MANY_REQUESTS" &&
    [400, 403, 405].includes(error.status);
  if (!refused) throw error;
}
