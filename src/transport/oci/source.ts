import type { ImageSource, InstanceOptions, ManifestBytes } from "../../image/mod.ts";
import type { ByteStream } from "../../internal/mod.ts";
import { type Descriptor, ManifestsError } from "../../spec/mod.ts";
import type { Layout } from "./layout.ts";
import { findLayoutImage } from "./layout_index.ts";
import { verifyNamedManifest } from "./manifest.ts";
import type { OciReference } from "./reference.ts";

/**
 * An image in a layout, open for reading. The name is looked up when it is needed: what is asked for by digest is found
 * also where the name has moved on meanwhile.
 */
export class OciSource implements ImageSource {
  readonly reference: OciReference;
  readonly #layout: Layout;

  constructor(reference: OciReference, layout: Layout) {
    this.reference = reference;
    this.#layout = layout;
  }

  async getManifest({ instance, signal }: InstanceOptions = {}): Promise<ManifestBytes> {
    signal?.throwIfAborted();
    if (instance !== undefined) return { bytes: await this.#layout.readManifest(instance) };
    const index = await this.#layout.findIndex();
    if (!index) {
      throw new ManifestsError("NOT_FOUND", `Cannot read ${this.reference} as there is no index.json in that folder`);
    }
    const named = findLayoutImage(index, this.reference.image, String(this.reference));
    const bytes = await this.#layout.readManifest(named.digest);
    verifyNamedManifest(bytes, named, this.reference);
    return { bytes, mediaType: named.mediaType };
  }

  async getBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<ByteStream> {
    signal?.throwIfAborted();
    return await this.#layout.openBlob(digest);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
