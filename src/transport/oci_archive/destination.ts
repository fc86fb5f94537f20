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
import { listedReferrer } from "../oci/referrers.ts";
import type { OciArchiveReference } from "./reference.ts";
import { blobMember } from "./source.ts";

const MODE = 0o644;

/** Opens an archive for writing. One that is there already is replaced, whole, when the new one is complete. */
export async function openOciArchiveDestination(
  reference: OciArchiveReference,
  context: SystemContext = {},
  options: OpenDestinationOptions = {},
): Promise<ImageDestination> {
  const target = await findTarget(reference.path);
  if (target.size > 0) await requireOciArchive(target.path, context);
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

/** Whoever names the wrong file must not lose it. */
async function requireOciArchive(path: string, context: SystemContext): Promise<void> {
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
    } as what is there is no archive of an OCI layout, to not overwrite important data`,
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
      // Without a name, an image is only found where it is the only entry.
      referrers: reference.imageName !== "",
    };
  }

  findBlob(descriptor: Descriptor): Promise<number | undefined> {
    return Promise.resolve(this.#writer.findBlob(descriptor));
  }

  async putBlob(blob: NewBlob, stream: ByteStream, { signal }: CallOptions = {}): Promise<void> {
    await this.#writer.putBlob(blob, stream, { nameOf: blobMember, mode: MODE, signal });
  }

  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance, digest, signal }: WriteManifestOptions = {},
  ): Promise<void> {
    const blob = manifestBlob(bytes, mediaType, instance ?? digest, this.reference);
    await this.putBlob(blob, toStream(bytes), { signal });
    if (instance === undefined) this.#image = { mediaType, digest: blob.digest, size: blob.size };
    else this.#referrers.push(...listedReferrer(blob, bytes, this.reference.imageName));
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    if (!this.#image) throw new TypeError(`Cannot write ${this.reference} as its manifest has not been written`);
    const index = addWithReferrers(undefined, this.#image, this.reference.imageName, this.#referrers);
    await this.#writer.putEntries([{ name: "index.json", type: "file", content: index }]);
    await this.#writer.publish({ signal });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writer[Symbol.asyncDispose]();
  }
}
