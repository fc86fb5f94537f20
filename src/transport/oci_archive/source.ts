import type { ImageSource, InstanceOptions, ManifestBytes } from "../../image/room.ts";
import type { ByteStream } from "../../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  ManifestsError,
  MAX_MANIFEST_SIZE,
} from "../../spec/room.ts";
import { invalidArchive } from "../archive/errors.ts";
import type { ArchiveFile, ArchiveReader } from "../archive/reader.ts";
import { findLayoutImage, type LayoutIndex, MAX_LAYOUT_INDEX, parseLayoutIndex } from "../oci/layout_index.ts";
import { verifyNamedManifest } from "../oci/manifest.ts";
import { LayoutReferrers } from "../oci/referrers.ts";
import type { OciArchiveReference } from "./reference.ts";

/** Returns the name of the member that has a blob. */
export function blobMember(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
}

/** An image in an archive of an OCI layout, open for reading. */
export class OciArchiveSource implements ImageSource {
  readonly reference: OciArchiveReference;
  readonly #archive: ArchiveReader;
  readonly #referrers = new LayoutReferrers(() => this.#readIndex(), (digest) => this.#readManifest(digest));

  constructor(reference: OciArchiveReference, archive: ArchiveReader) {
    this.reference = reference;
    this.#archive = archive;
  }

  async getManifest({ instance }: InstanceOptions = {}): Promise<ManifestBytes> {
    if (instance !== undefined) return { bytes: await this.#readManifest(instance) };
    const named = await this.#findImage();
    const bytes = await this.#readManifest(named.digest);
    verifyNamedManifest(bytes, named, this.reference);
    return { bytes, mediaType: named.mediaType, digest: named.digest };
  }

  // deno-lint-ignore require-await -- A missing blob must reject, not throw.
  async getBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<ByteStream> {
    return this.#archive.streamFile(this.#findBlob(digest), { signal });
  }

  findBlob({ digest }: Descriptor): Promise<number | undefined> {
    return Promise.resolve(this.#archive.findFile(blobMember(digest))?.size);
  }

  async listReferrers(subject: Digest): Promise<readonly Descriptor[]> {
    return await this.#referrers.list(subject);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#archive[Symbol.asyncDispose]();
  }

  /** Finds the entry of `index.json` that the reference names. */
  async #findImage(): Promise<Descriptor> {
    return findLayoutImage(await this.#readIndex(), this.reference.image, String(this.reference));
  }

  async #readIndex(): Promise<LayoutIndex> {
    const file = this.#archive.findFile("index.json");
    if (!file) throw invalidArchive(this.#archive.path, "it has no index.json, so it is not an OCI layout");
    const what = `index.json of ${this.reference}`;
    return parseLayoutIndex(await this.#archive.readFile(file, MAX_LAYOUT_INDEX), what);
  }

  async #readManifest(digest: Digest): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#archive.readFile(this.#findBlob(digest), MAX_MANIFEST_SIZE);
  }

  #findBlob(digest: Digest): ArchiveFile {
    const file = this.#archive.findFile(blobMember(digest));
    if (file) return file;
    throw new ManifestsError("NOT_FOUND", `Cannot read ${digest} of ${this.reference}: it is not in the archive`);
  }
}
