import type { ImageSource, InstanceOptions, ManifestBytes } from "../../image/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import { type Descriptor, type Digest, ManifestsError } from "../../spec/room.ts";
import type { Layout } from "./layout.ts";
import { findLayoutImage, type LayoutIndex } from "./layout_index.ts";
import { verifyNamedManifest } from "./manifest.ts";
import { LayoutReferrers } from "./referrers.ts";
import type { OciReference } from "./reference.ts";

/**
 * An image in a layout, open for reading. The name is looked up each time it is needed; content that is requested by
 * digest is found even if the name has moved to another image.
 */
export class OciSource implements ImageSource {
  readonly reference: OciReference;
  readonly #layout: Layout;
  readonly #referrers: LayoutReferrers;

  constructor(reference: OciReference, layout: Layout) {
    this.reference = reference;
    this.#layout = layout;
    this.#referrers = new LayoutReferrers(() => this.#readIndex(), (digest) => layout.readManifest(digest));
  }

  async listReferrers(subject: Digest): Promise<readonly Descriptor[]> {
    return await this.#referrers.list(subject);
  }

  async getManifest({ instance, signal }: InstanceOptions = {}): Promise<ManifestBytes> {
    signal?.throwIfAborted();
    if (instance !== undefined) return { bytes: await this.#layout.readManifest(instance) };
    const named = findLayoutImage(await this.#readIndex(), this.reference.image, String(this.reference));
    const bytes = await this.#layout.readManifest(named.digest);
    verifyNamedManifest(bytes, named, this.reference);
    return { bytes, mediaType: named.mediaType, digest: named.digest };
  }

  async getBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<ByteStream> {
    signal?.throwIfAborted();
    return await this.#layout.openBlob(digest);
  }

  async findBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<number | undefined> {
    signal?.throwIfAborted();
    return await this.#layout.findBlob(digest);
  }

  async #readIndex(): Promise<LayoutIndex> {
    const index = await this.#layout.findIndex();
    if (index) return index;
    throw new ManifestsError("NOT_FOUND", `Cannot read ${this.reference}: the folder has no index.json`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
