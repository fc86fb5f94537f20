import type {
  BlobOrigin,
  ImageSource,
  InstanceOptions,
  ManifestBytes,
  ReferrersOptions,
  SignedManifest,
} from "../../image/room.ts";
import type { ByteStream, CallOptions } from "../../internal/room.ts";
import { getUnverifiedBlob, type Repository } from "../../registry/room.ts";
import type { Signature } from "../../signature/room.ts";
import { type Descriptor, type Digest, isManifestsError, ManifestsError, UNKNOWN_SIZE } from "../../spec/room.ts";
import type { RegistryPlace } from "./lookups.ts";
import type { PullPlaces } from "./pull_places.ts";
import type { DockerReference } from "./reference.ts";
import type { DockerSignatures } from "./signatures/mod.ts";

/** Maximum number of referrers of one manifest, far more than images have. */
const MAX_REFERRERS = 1000;

/** A function that opens the signatures of a repository in a place. */
type OpenSignatures = (repository: Repository, place: RegistryPlace) => Promise<DockerSignatures>;

/** An image in a registry, open for reading. */
export class DockerSource implements ImageSource {
  readonly reference: DockerReference;
  readonly #places: PullPlaces;

  readonly #openSignatures: OpenSignatures;
  /** Signatures by place, so that configuration is read once per place and not once per instance. */
  readonly #signatures = new Map<RegistryPlace, Promise<DockerSignatures>>();

  constructor(reference: DockerReference, places: PullPlaces, openSignatures: OpenSignatures) {
    this.#openSignatures = openSignatures;
    this.reference = reference;
    this.#places = places;
  }

  async getManifest({ instance, ancestor: _, ...call }: InstanceOptions = {}): Promise<ManifestBytes> {
    const target = instance ?? this.reference.target;
    return await this.#places.read((repository, call) => repository.getManifest(target, call), call);
  }

  async getBlob(
    { digest, size, urls }: Descriptor,
    { instance: _, ancestor: __, ...call }: InstanceOptions = {},
  ): Promise<ByteStream> {
    return await this.#places.read(
      (repository, call) => getUnverifiedBlob(repository, digest, { ...call, size, urls }),
      call,
    );
  }

  async findBlob(descriptor: Descriptor, options: InstanceOptions = {}): Promise<number | undefined> {
    const { digest } = descriptor;
    const { instance: _, ancestor: __, ...call } = options;
    try {
      return await this.#places.read(async (repository, call) => {
        const size = await repository.headBlob(digest, { ...call, actions: "pull" });
        // An error makes the next place be tried: a mirror may not have the blob.
        if (size === undefined) throw new ManifestsError("NOT_FOUND", `Cannot find blob ${digest}`);
        return size;
      }, call);
    } catch (error) {
      if (isManifestsError(error, "NOT_FOUND")) return undefined;
      if (call.signal?.aborted || !isManifestsError(error)) throw error;
      // Some registries, and the storage servers to which they redirect, support only GET.
      await (await this.getBlob({ ...descriptor, urls: [] }, options)).cancel();
      return UNKNOWN_SIZE;
    }
  }

  async getSignatures({ digest }: SignedManifest, options: CallOptions = {}): Promise<readonly Signature[]> {
    return await this.#places.read(async (repository, call, place) => {
      const opened = this.#signatures.get(place) ?? this.#openSignatures(repository, place);
      this.#signatures.set(place, opened);
      return await (await opened).read(digest, call);
    }, options);
  }

  async listReferrers(
    subject: Digest,
    { ancestor: _, ...call }: ReferrersOptions = {},
  ): Promise<readonly Descriptor[]> {
    return await this.#places.read(async (repository, call) => {
      const found: Descriptor[] = [];
      for await (const referrer of repository.listReferrers(subject, call)) {
        if (found.push(referrer) <= MAX_REFERRERS) continue;
        throw new ManifestsError(
          "LIMIT_EXCEEDED",
          `Cannot read the referrers of ${subject}: there are more than ${MAX_REFERRERS}`,
        );
      }
      return found;
    }, call);
  }

  blobOrigin(): Promise<BlobOrigin> {
    const { domain, path } = this.#places.current.reference;
    return Promise.resolve({ scope: `docker://${domain}`, location: path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#places[Symbol.asyncDispose]();
  }
}
