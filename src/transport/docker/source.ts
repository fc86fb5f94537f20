import type { BlobOrigin, ImageSource, InstanceOptions, ManifestBytes, SignedManifest } from "../../image/mod.ts";
import type { ByteStream, SignalOptions } from "../../internal/mod.ts";
import type { ClientLease, Repository } from "../../registry/mod.ts";
import type { Signature } from "../../signature/mod.ts";
import type { Descriptor } from "../../spec/mod.ts";
import type { DockerReference } from "./reference.ts";
import type { DockerSignatures } from "./signatures/mod.ts";

/** An image in a registry, open for reading. */
export class DockerSource implements ImageSource {
  readonly reference: DockerReference;
  readonly #lease: ClientLease;
  readonly #repository: Repository;
  readonly #openSignatures: () => Promise<DockerSignatures>;
  #signatures: Promise<DockerSignatures> | undefined;

  constructor(reference: DockerReference, lease: ClientLease, openSignatures: () => Promise<DockerSignatures>) {
    this.#openSignatures = openSignatures;
    this.reference = reference;
    this.#lease = lease;
    this.#repository = lease.client.repository(reference.dockerReference.path);
  }

  async getManifest({ instance, ...call }: InstanceOptions = {}): Promise<ManifestBytes> {
    return await this.#repository.getManifest(instance ?? this.reference.target, call);
  }

  async getBlob({ digest }: Descriptor, { instance: _, ...call }: InstanceOptions = {}): Promise<ByteStream> {
    return await this.#repository.getUnverifiedBlob(digest, call);
  }

  async getSignatures({ digest }: SignedManifest, options: SignalOptions = {}): Promise<readonly Signature[]> {
    return await (await (this.#signatures ??= this.#openSignatures())).read(digest, options);
  }

  blobOrigin(): Promise<BlobOrigin> {
    const { domain, path } = this.reference.dockerReference;
    return Promise.resolve({ scope: `docker://${domain}`, location: path });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#lease[Symbol.dispose]());
  }
}
