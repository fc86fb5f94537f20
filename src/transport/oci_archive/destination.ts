import type {
  DestinationAbilities,
  ImageDestination,
  NewBlob,
  OpenDestinationOptions,
  SystemContext,
  WriteManifestOptions,
} from "../../image/room.ts";
import { type ByteStream, type CallOptions, type SignalOptions, toStream } from "../../internal/room.ts";
import { type Descriptor, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { openArchive } from "../archive/reader.ts";
import { findTarget } from "../archive/target.ts";
import { type ArchiveWriter, openArchiveWriter } from "../archive/writer.ts";
import { addWithReferrers, OCI_LAYOUT } from "../oci/layout_index.ts";
import { LAYOUT_TYPES, manifestBlob } from "../oci/manifest.ts";
import { toListedReferrers } from "../oci/referrers.ts";
import type { OciArchiveReference } from "./reference.ts";
import { blobMember } from "./source.ts";

/** Permissions of all members, as in c/image's archives. */
const MODE = 0o644;

/** Opens an archive for writing. An existing archive is replaced as a whole when the new one is complete. */
export async function openOciArchiveDestination(
  reference: OciArchiveReference,
  context: SystemContext = {},
  options: OpenDestinationOptions = {},
): Promise<ImageDestination> {
  const target = await findTarget(reference.path);
  if (target.size > 0) await assertOciArchive(target.path, context);
  const writer = await openArchiveWriter(target, context, options);
  try {
    await writer.putEntries([
      { name: "oci-layout", type: "file", content: OCI_LAYOUT },
      { name: "blobs/", type: "dir" },
      { name: "blobs/sha256/", type: "dir" },
    ]);
    return new OciArchiveDestination(reference, writer, context);
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
}

/** Throws if an existing file is not an archive of a layout, so that a wrong path does not destroy the file. */
async function assertOciArchive(path: string, context: SystemContext): Promise<void> {
  try {
    await using archive = await openArchive(path, context);
    if (archive.findFile("index.json")) return;
  } catch (error) {
    if (!isManifestsError(error, "ARCHIVE_INVALID")) throw error;
  }
  throw new ManifestsError(
    "DESTINATION_NOT_AN_IMAGE",
    `Cannot write archive ${
      JSON.stringify(path)
    }: the existing file is not an archive of an OCI layout and is not overwritten: remove it, or choose another path`,
  );
}

/** An archive of an OCI layout, open for writing. */
class OciArchiveDestination implements ImageDestination {
  readonly reference: OciArchiveReference;
  readonly abilities: DestinationAbilities;
  readonly #writer: ArchiveWriter;
  readonly #referrers: Descriptor[] = [];
  #image: Descriptor | undefined;

  constructor(reference: OciArchiveReference, writer: ArchiveWriter, context: SystemContext) {
    this.reference = reference;
    this.#writer = writer;
    this.abilities = {
      ...LAYOUT_TYPES,
      layerCompression: context.ociAcceptUncompressedLayers ? "preserve" : "compress",
      keepsForeignLayers: true,
      parallelBlobs: false,
      // An image without a name is found only if it is the only entry, so referrers cannot be listed.
      referrers: reference.imageName !== "",
    };
  }

  findBlob(descriptor: Descriptor): Promise<number | undefined> {
    return Promise.resolve(this.#writer.findBlob(descriptor));
  }

  async putBlob(blob: NewBlob, stream: ByteStream, { signal }: CallOptions = {}): Promise<void> {
    await this.#writer.putBlob(blob, stream, { getName: blobMember, mode: MODE, signal });
  }

  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance, digest, signal }: WriteManifestOptions = {},
  ): Promise<void> {
    const blob = manifestBlob(bytes, mediaType, instance ?? digest, this.reference);
    await this.putBlob(blob, toStream(bytes), { signal });
    if (instance === undefined) this.#image = { mediaType, digest: blob.digest, size: blob.size };
    else this.#referrers.push(...toListedReferrers(blob, bytes, this.reference.imageName));
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    if (!this.#image) throw new TypeError(`Cannot write ${this.reference}: its manifest has not been written`);
    const index = addWithReferrers(undefined, this.#image, this.reference.imageName, this.#referrers);
    await this.#writer.putEntries([{ name: "index.json", type: "file", content: index }]);
    await this.#writer.publish({ signal });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }
}
