import { join } from "@std/path";
import type {
  DestinationAbilities,
  ImageDestination,
  InstanceOptions,
  NewBlob,
  SignedManifest,
  SystemContext,
} from "../../image/room.ts";
import { writeAllAtomically } from "../../internal/host/room.ts";
import type { ByteStream, CallOptions, SignalOptions } from "../../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  isIndex,
  type ParsedManifest,
  parseManifest,
  verifyManifestDigest,
} from "../../spec/room.ts";
import { encodeSignature, type Signature } from "../../signature/room.ts";
import { BlobFolder, IMAGE_FILE_MODE } from "../files/blob_folder.ts";
import { explain } from "../files/errors.ts";
import { FolderClaim } from "./claim.ts";
import { blobFile, instanceFile, MANIFEST_FILE, signatureFile, VERSION_FILE, versionContent } from "./folder.ts";
import type { DirReference } from "./reference.ts";

/**
 * Opens a folder for writing. Nothing is written yet.
 *
 * @throws {ManifestsError} With code `DESTINATION_NOT_AN_IMAGE` if it has other content, which is left unchanged;
 * `DESTINATION_IN_USE` if another image is being written to it.
 */
export async function openDirDestination(reference: DirReference, context: SystemContext): Promise<ImageDestination> {
  const { dirForceCompress, dirForceDecompress } = context;
  if (dirForceCompress && dirForceDecompress) {
    throw new TypeError("Cannot compress and decompress at the same time: dirForceCompress and dirForceDecompress");
  }
  const layerCompression = dirForceCompress ? "compress" : dirForceDecompress ? "decompress" : "preserve";
  const claim = await FolderClaim.open(reference.path);
  return new DirDestination(reference, claim, {
    manifestTypes: [],
    layerCompression,
    keepsForeignLayers: false,
  });
}

/**
 * An image in a folder, open for writing. An existing image stays complete until the new one is: blobs are named by
 * their digests, so new ones do not replace old ones, which are removed at the end.
 */
class DirDestination implements ImageDestination {
  readonly reference: DirReference;
  readonly abilities: DestinationAbilities;
  readonly #path: string;
  readonly #claim: FolderClaim;
  readonly #blobs: BlobFolder;
  /** Names of the files that belong to the new image. */
  readonly #files = new Set<string>([VERSION_FILE, MANIFEST_FILE]);
  #image: Uint8Array<ArrayBuffer> | undefined;
  #otherDigests = false;

  constructor(reference: DirReference, claim: FolderClaim, abilities: DestinationAbilities) {
    this.reference = reference;
    this.abilities = abilities;
    this.#path = reference.path;
    this.#claim = claim;
    this.#blobs = new BlobFolder(this.#path, (digest) => join(this.#path, blobFile(digest)));
  }

  async findBlob(descriptor: Descriptor, { signal }: CallOptions = {}): Promise<number | undefined> {
    const size = await this.#blobs.find(descriptor, signal);
    if (size !== undefined) this.#keep(descriptor.digest, blobFile(descriptor.digest));
    return size;
  }

  async putBlob(blob: NewBlob, stream: ByteStream, { signal }: CallOptions = {}): Promise<void> {
    try {
      await this.#claim.prepare();
    } catch (error) {
      await stream.cancel(error).catch(() => {});
      throw error;
    }
    await this.#blobs.put(blob, stream, signal);
    const { digest } = blob.measured();
    this.#keep(digest, blobFile(digest));
  }

  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance, signal }: InstanceOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    for (const digest of listBlobs(parseManifest(bytes, mediaType))) this.#keep(digest, blobFile(digest));
    if (instance === undefined) {
      this.#image = bytes;
      return;
    }
    verifyManifestDigest(bytes, instance, `manifest ${instance} for ${this.reference}`);
    await this.#claim.prepare();
    const name = instanceFile(instance);
    await this.#replace([[name, bytes]]);
    this.#keep(instance, name);
  }

  supportsSignatures(): Promise<true> {
    return Promise.resolve(true);
  }

  async putSignatures(signatures: readonly Signature[], manifest: SignedManifest): Promise<void> {
    const files = signatures.map((signature, i) =>
      [signatureFile(manifest, i + 1), encodeSignature(signature)] as const
    );
    await this.#claim.prepare();
    await this.#replace(files);
    for (const [name] of files) this.#files.add(name);
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    const image = this.#image;
    if (!image) throw new TypeError(`Cannot write ${this.reference}: its manifest has not been written`);
    signal?.throwIfAborted();
    await this.#claim.prepare();
    await this.#replace([[VERSION_FILE, versionContent(this.#otherDigests)], [MANIFEST_FILE, image]]);
    await this.#removeOthers();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#claim[Symbol.dispose]());
  }

  #keep(digest: Digest, name: string): void {
    this.#files.add(name);
    if (digestAlgorithm(digest) !== "sha256") this.#otherDigests = true;
  }

  async #replace(files: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    const contents = files.map(([name, content]) => ({ path: join(this.#path, name), content }));
    await explain(this.#path, "write", () => writeAllAtomically(contents, { mode: IMAGE_FILE_MODE }));
  }

  /** Removes the files of the previous image and of failed runs. */
  async #removeOthers(): Promise<void> {
    await explain(this.#path, "write", async () => {
      for await (const { name, isDirectory } of Deno.readDir(this.#path)) {
        if (!isDirectory && isImageFile(name) && !this.#files.has(name)) await Deno.remove(join(this.#path, name));
      }
    });
  }
}

/** Returns the blobs that a manifest names. They belong to the image even if this run did not write them. */
function listBlobs(manifest: ParsedManifest): Digest[] {
  if (isIndex(manifest)) return [];
  return [...manifest.layers, ...(manifest.config ? [manifest.config] : [])].map(({ digest }) => digest);
}

/** True if a file may belong to a previous image. Other files belong to the user and are not removed. */
function isImageFile(name: string): boolean {
  return /^(?:[a-z0-9]+-)?[0-9a-f]{64,128}(?:\.manifest\.json|\.signature-\d+)?$|^signature-\d+$/.test(name);
}
