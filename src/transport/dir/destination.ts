import { join } from "@std/path";
import type {
  DestinationAbilities,
  ImageDestination,
  InstanceOptions,
  NewBlob,
  SignedManifest,
  SystemContext,
} from "../../image/room.ts";
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
import { replaceFiles } from "../files/temporary_file.ts";
import { FolderClaim } from "./claim.ts";
import { hexOf, instanceFile, MANIFEST_FILE, signatureFile, VERSION_FILE, versionContent } from "./folder.ts";
import type { DirReference } from "./reference.ts";

/**
 * Opens a folder for writing. Nothing is written yet.
 *
 * @throws {ManifestsError} With code `DESTINATION_NOT_AN_IMAGE` where something else is in it, which stays untouched;
 * `DESTINATION_IN_USE` where somebody else is writing to it.
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
 * An image in a folder, open for writing. The image that is there stays whole until the new one is: blobs, which are
 * named by their digests, come beside the old ones, which go at the end.
 */
class DirDestination implements ImageDestination {
  readonly reference: DirReference;
  readonly abilities: DestinationAbilities;
  readonly #path: string;
  readonly #claim: FolderClaim;
  readonly #blobs: BlobFolder;
  /** The names of the files that belong to the image. */
  readonly #own = new Set<string>([VERSION_FILE, MANIFEST_FILE]);
  #image: Uint8Array<ArrayBuffer> | undefined;
  #otherDigests = false;

  constructor(reference: DirReference, claim: FolderClaim, abilities: DestinationAbilities) {
    this.reference = reference;
    this.abilities = abilities;
    this.#path = reference.path;
    this.#claim = claim;
    this.#blobs = new BlobFolder(this.#path, (digest) => join(this.#path, hexOf(digest)));
  }

  async findBlob(descriptor: Descriptor, { signal }: CallOptions = {}): Promise<number | undefined> {
    const size = await this.#blobs.find(descriptor, signal);
    if (size !== undefined) this.#keep(descriptor.digest, hexOf(descriptor.digest));
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
    this.#keep(digest, hexOf(digest));
  }

  async putManifest(
    bytes: Uint8Array<ArrayBuffer>,
    mediaType: string,
    { instance, signal }: InstanceOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    for (const digest of namedBy(parseManifest(bytes, mediaType))) this.#keep(digest, hexOf(digest));
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
    for (const [name] of files) this.#own.add(name);
  }

  async commit({ signal }: SignalOptions = {}): Promise<void> {
    const image = this.#image;
    if (!image) throw new TypeError(`Cannot write ${this.reference} as its manifest has not been written`);
    signal?.throwIfAborted();
    await this.#claim.prepare();
    await this.#replace([[VERSION_FILE, versionContent(this.#otherDigests)], [MANIFEST_FILE, image]]);
    await this.#removeOthers();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#claim[Symbol.dispose]());
  }

  #keep(digest: Digest, name: string): void {
    this.#own.add(name);
    if (digestAlgorithm(digest) !== "sha256") this.#otherDigests = true;
  }

  async #replace(files: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    const contents = files.map(([name, content]) => ({ path: join(this.#path, name), content }));
    await explain(this.#path, "write", () => replaceFiles(contents, IMAGE_FILE_MODE));
  }

  /** What was of the image before, and of runs that failed. */
  async #removeOthers(): Promise<void> {
    await explain(this.#path, "write", async () => {
      for await (const { name, isDirectory } of Deno.readDir(this.#path)) {
        if (!isDirectory && isOfAnImage(name) && !this.#own.has(name)) await Deno.remove(join(this.#path, name));
      }
    });
  }
}

/** The blobs that a manifest names; they are the image's also where this run did not bring them. */
function namedBy(manifest: ParsedManifest): Digest[] {
  if (isIndex(manifest)) return [];
  return [...manifest.layers, ...(manifest.config ? [manifest.config] : [])].map(({ digest }) => digest);
}

/** Whether a file may be of an image that was here before; what else somebody has put there is theirs. */
function isOfAnImage(name: string): boolean {
  return /^(?:[a-z0-9]+-)?[0-9a-f]{64,128}(?:\.manifest\.json|\.signature-\d+)?$|^signature-\d+$/.test(name);
}
