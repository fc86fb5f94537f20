import { join } from "@std/path";
import { lockFolder, removeDeadFiles, writeAllAtomically } from "../../internal/host/room.ts";
import type {
  DestinationAbilities,
  ImageDestination,
  NewBlob,
  SystemContext,
  WriteManifestOptions,
} from "../../image/room.ts";
import { type ByteStream, type CallOptions, type SignalOptions, toStream } from "../../internal/room.ts";
import { type Descriptor, ManifestsError, ManifestsSyntaxError } from "../../spec/room.ts";
import { BlobFolder, IMAGE_FILE_MODE } from "../files/blob_folder.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { Layout } from "./layout.ts";
import { addWithReferrers, OCI_LAYOUT } from "./layout_index.ts";
import { LAYOUT_TYPES, manifestBlob } from "./manifest.ts";
import { toListedReferrers } from "./referrers.ts";
import type { OciReference } from "./reference.ts";

/**
 * Opens a layout for writing. Checks that the folder is a layout, is empty or does not exist; nothing is written yet.
 *
 * @throws {ManifestsError} With code `DESTINATION_NOT_AN_IMAGE` if the path is a file or a folder with other content,
 * `LAYOUT_INVALID` if the layout is damaged, `TRANSPORT_IO` if it cannot be read.
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE` if the reference names an image by position.
 */
export async function openOciDestination(
  reference: OciReference,
  context: SystemContext,
): Promise<ImageDestination> {
  const { image } = reference;
  if (image && "position" in image) {
    throw new ManifestsSyntaxError(
      "INVALID_REFERENCE",
      `Cannot write to ${reference}: a destination must not contain a manifest index @${image.position}`,
    );
  }
  const layout = new Layout(reference.path, context.ociSharedBlobDirPath);
  const info = await explain(layout.path, "read", () => Deno.stat(layout.path).catch(ignoreMissing));
  if (info && !info.isDirectory) {
    throw new ManifestsError("DESTINATION_NOT_AN_IMAGE", `Cannot write to ${reference}: the path is not a folder`);
  }
  await layout.assertBlobsInside();
  await assertLayout(reference, layout);
  return new OciDestination(reference, layout, image?.name ?? "", context);
}

/** Throws if a folder has content other than a layout, so that a wrong path does not mix an image with other files. */
async function assertLayout(reference: OciReference, layout: Layout): Promise<void> {
  const index = await layout.findIndex();
  // Some tools do not write `oci-layout`, and not every file with the name `index.json` is an index.
  if (index && /"(?:manifests|schemaVersion)"/.test(index.text)) return;
  await explain(layout.path, "read", async () => {
    const found = await Array.fromAsync(Deno.readDir(layout.path), ({ name }) => name).catch(noneIfMissing);
    // Leftovers of a killed run are not an image yet, but they are not foreign files either.
    if (found.includes("oci-layout") || (!index && found.includes("blobs"))) return;
    const foreign = found.find((name) => !name.startsWith(".tmp-"));
    if (foreign === undefined) return;
    throw new ManifestsError(
      "DESTINATION_NOT_AN_IMAGE",
      `Cannot write an image to ${reference}: the folder has other content, such as ${JSON.stringify(foreign)}`,
    );
  });
}

function noneIfMissing(error: unknown): string[] {
  ignoreMissing(error);
  return [];
}

/**
 * An image in a layout, open for writing. Each blob appears as soon as it is complete; the image is added to the index
 * last.
 */
class OciDestination implements ImageDestination {
  readonly reference: OciReference;
  readonly abilities: DestinationAbilities;
  readonly #layout: Layout;
  readonly #name: string;
  readonly #blobs: BlobFolder;
  readonly #referrers: Descriptor[] = [];
  #image: Descriptor | undefined;

  constructor(reference: OciReference, layout: Layout, name: string, context: SystemContext) {
    this.reference = reference;
    this.#layout = layout;
    this.#name = name;
    // Not inside the folders of blobs, but on the same disk, so that a temporary file can be renamed to a blob.
    const temporary = context.ociSharedBlobDirPath || layout.path;
    this.#blobs = new BlobFolder(temporary, (digest) => layout.blobPath(digest));
    this.abilities = {
      ...LAYOUT_TYPES,
      layerCompression: context.ociAcceptUncompressedLayers ? "preserve" : "compress",
      keepsForeignLayers: true,
      // An image without a name is found only if it is the only entry, so referrers cannot be listed.
      referrers: name !== "",
    };
  }

  async findBlob(descriptor: Descriptor, { signal }: CallOptions = {}): Promise<number | undefined> {
    return await this.#blobs.find(descriptor, signal);
  }

  async putBlob(blob: NewBlob, stream: ByteStream, { signal }: CallOptions = {}): Promise<void> {
    await this.#blobs.put(blob, stream, signal);
  }

  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance, digest, signal }: WriteManifestOptions = {},
  ): Promise<void> {
    const blob = manifestBlob(bytes, mediaType, instance ?? digest, this.reference);
    if (await this.#blobs.find(blob, signal) === undefined) await this.putBlob(blob, toStream(bytes), { signal });
    if (instance === undefined) this.#image = { mediaType, digest: blob.digest, size: blob.size };
    else this.#referrers.push(...toListedReferrers(blob, bytes, this.#name));
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    const image = this.#image;
    if (!image) throw new TypeError(`Cannot write ${this.reference}: its manifest has not been written`);
    const { path, indexPath } = this.#layout;
    await explain(path, "write", async () => {
      // image-layout.md requires this folder, even if the blobs are in a shared one.
      await Deno.mkdir(join(path, "blobs"), { recursive: true });
      using _lock = await lockFolder(path, signal);
      await removeDeadFiles(path);
      const index = addWithReferrers(await this.#layout.findIndex(), image, this.#name, this.#referrers);
      await writeAllAtomically([
        { path: join(path, "oci-layout"), content: OCI_LAYOUT },
        { path: indexPath, content: index },
      ], { mode: IMAGE_FILE_MODE });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
