import type { BlobOrigin, ImageSource, InstanceOptions, ManifestBytes } from "../../image/mod.ts";
import type { ByteStream } from "../../internal/mod.ts";
import type { ClientLease, Repository } from "../../registry/mod.ts";
import type { Descriptor } from "../../spec/mod.ts";
import type { DockerReference } from "./reference.ts";

/** An image in a registry, open for reading. */
export class DockerSource implements ImageSource {
  readonly reference: DockerReference;
  readonly #lease: ClientLease;
  readonly #repository: Repository;

  constructor(reference: DockerReference, lease: ClientLease) {
    this.reference = reference;
    this.#lease = lease;
    this.#repository = lease.client.repository(reference.dockerReference.path);
  }

  async getManifest({ instance, ...call }: InstanceOptions = {}): Promise<ManifestBytes> {
    return await this.#repository.getManifest(instance ?? this.reference.target, call);
  }

  async getBlob(
    { digest, size, urls }: Descriptor,
    { instance: _, ...call }: InstanceOptions = {},
  ): Promise<ByteStream> {
    return await this.#repository.getUnverifiedBlob(digest, { ...call, size, urls });
  }

  blobOrigin(): Promise<BlobOrigin> {
    const { domain, path } = this.reference.dockerReference;
    return Promise.resolve({ scope: `docker://${domain}`, location: path });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#lease[Symbol.dispose]());
  }
}
