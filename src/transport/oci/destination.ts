import { join } from "@std/path";
import { lockFolder } from "../../internal/host/room.ts";
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
import { removeDeadFiles, replaceFiles } from "../files/temporary_file.ts";
import { Layout } from "./layout.ts";
import { addWithReferrers, OCI_LAYOUT } from "./layout_index.ts";
import { LAYOUT_TYPES, manifestBlob } from "./manifest.ts";
import { listedReferrer } from "./referrers.ts";
import type { OciReference } from "./reference.ts";

/**
 * Opens a layout for writing, and makes sure that it is one, or can become one. Nothing is written yet.
 *
 * @throws {ManifestsError} With code `DESTINATION_NOT_AN_IMAGE` where a file is there, `LAYOUT_INVALID` where the layout
 * is broken.
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
    throw new ManifestsError("DESTINATION_NOT_AN_IMAGE", `Cannot write to ${reference} as it is no folder`);
  }
  await layout.requireOwnBlobs();
  await requireLayout(reference, layout);
  return new OciDestination(reference, layout, image?.name ?? "", context);
}

/** Whoever names the wrong folder must not have to pick our files out of theirs. */
async function requireLayout(reference: OciReference, layout: Layout): Promise<void> {
  const index = await layout.findIndex();
  // Some tools forget `oci-layout`, and files that are called `index.json` are not always an index.
  if (index && /"(?:manifests|schemaVersion)"/.test(index.text)) return;
  await explain(layout.path, "read", async () => {
    const found = await Array.fromAsync(Deno.readDir(layout.path), ({ name }) => name).catch(noneIfMissing);
    // What a run that died has left is no image yet, but nothing else either.
    if (found.includes("oci-layout") || (!index && found.includes("blobs"))) return;
    const stranger = found.find((name) => !name.startsWith(".tmp-"));
    if (stranger === undefined) return;
    throw new ManifestsError(
      "DESTINATION_NOT_AN_IMAGE",
      `Cannot write an image to ${reference} as that folder has other things in it, such as ${
        JSON.stringify(stranger)
      }`,
    );
  });
}

function noneIfMissing(error: unknown): string[] {
  ignoreMissing(error);
  return [];
}

/**
 * An image in a layout, open for writing. Blobs are there as soon as they are whole; that the image is there, its index
 * says only at the end.
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
    // Beside the blobs, not among them; where they are shared, on the disk where they are.
    const temporary = context.ociSharedBlobDirPath || layout.path;
    this.#blobs = new BlobFolder(temporary, (digest) => layout.blobPath(digest));
    this.abilities = {
      ...LAYOUT_TYPES,
      layerCompression: context.ociAcceptUncompressedLayers ? "preserve" : "compress",
      keepsForeignLayers: true,
      // Without a name, an image is only found where it is the only entry.
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
    else this.#referrers.push(...listedReferrer(blob, bytes, this.#name));
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    const image = this.#image;
    if (!image) throw new TypeError(`Cannot write ${this.reference} as its manifest has not been written`);
    const { path, indexPath } = this.#layout;
    await explain(path, "write", async () => {
      // A layout has this folder also where its blobs are elsewhere.
      await Deno.mkdir(join(path, "blobs"), { recursive: true });
      using _lock = await lockFolder(path, signal);
      await removeDeadFiles(path);
      const index = addWithReferrers(await this.#layout.findIndex(), image, this.#name, this.#referrers);
      await replaceFiles([
        { path: join(path, "oci-layout"), content: OCI_LAYOUT },
        { path: indexPath, content: index },
      ], IMAGE_FILE_MODE);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
