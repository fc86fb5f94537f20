import type { BlobOrigin, ImageSource, InstanceOptions, ManifestBytes } from "../../image/mod.ts";
import type { ByteStream } from "../../internal/mod.ts";
import type { Descriptor } from "../../spec/mod.ts";
import type { PullPlaces } from "./pull_places.ts";
import type { DockerReference } from "./reference.ts";

/** An image in a registry, open for reading. */
export class DockerSource implements ImageSource {
  readonly reference: DockerReference;
  readonly #places: PullPlaces;

  constructor(reference: DockerReference, places: PullPlaces) {
    this.reference = reference;
    this.#places = places;
  }

  async getManifest({ instance, ...call }: InstanceOptions = {}): Promise<ManifestBytes> {
    const target = instance ?? this.reference.target;
    return await this.#places.read((repository) => repository.getManifest(target, call), call);
  }

  async getBlob({ digest }: Descriptor, { instance: _, ...call }: InstanceOptions = {}): Promise<ByteStream> {
    return await this.#places.read((repository) => repository.getUnverifiedBlob(digest, call), call);
  }

  blobOrigin(): Promise<BlobOrigin> {
    const { domain, path } = this.#places.current.reference;
    return Promise.resolve({ scope: `docker://${domain}`, location: path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#places[Symbol.asyncDispose]();
  }
}
