import { join } from "@std/path";
import type { ImageSource, InstanceOptions, ManifestBytes, SignedManifest } from "../../image/room.ts";
import { openFileStream } from "../../internal/host/room.ts";
import type { ByteStream, SignalOptions } from "../../internal/room.ts";
import { MAX_SIGNATURE_SIZE, MAX_SIGNATURES, parseSignature, type Signature } from "../../signature/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  manifestDigest,
  ManifestsError,
  MAX_MANIFEST_SIZE,
} from "../../spec/room.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { blobFile, instanceFile, MANIFEST_FILE, readVersion, signatureFile } from "./folder.ts";
import type { DirReference } from "./reference.ts";

/** Opens an image in a folder. A folder without a version file is accepted, as in c/image. */
export async function openDirSource(reference: DirReference): Promise<ImageSource> {
  await readVersion(reference.path);
  return new DirSource(reference);
}

class DirSource implements ImageSource {
  readonly reference: DirReference;

  constructor(reference: DirReference) {
    this.reference = reference;
  }

  async getManifest({ instance, signal }: InstanceOptions = {}): Promise<ManifestBytes> {
    signal?.throwIfAborted();
    const instanceBytes = instance && await this.#readSmall(instanceFile(instance), MAX_MANIFEST_SIZE);
    const bytes = instanceBytes ?? await this.#readSmall(MANIFEST_FILE, MAX_MANIFEST_SIZE);
    const matches = instanceBytes || instance === undefined || (bytes && isManifest(bytes, instance));
    if (bytes && matches) return { bytes };
    throw new ManifestsError(
      "NOT_FOUND",
      `Cannot read ${instance ?? "the manifest"} of ${this.reference}: it is not in the folder`,
    );
  }

  async getBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<ByteStream> {
    signal?.throwIfAborted();
    const path = join(this.reference.path, blobFile(digest));
    return await explain(path, "read", async () => {
      await this.#assertFile(path, `blob ${digest}`);
      return await openFileStream(path);
    });
  }

  async findBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<number | undefined> {
    signal?.throwIfAborted();
    const path = join(this.reference.path, blobFile(digest));
    return await explain(path, "read", async () => {
      const info = await Deno.lstat(path).catch(ignoreMissing);
      if (info) await this.#assertFile(path, `blob ${digest}`);
      return info?.size;
    });
  }

  async getSignatures(manifest: SignedManifest, { signal }: SignalOptions = {}): Promise<readonly Signature[]> {
    const signatures: Signature[] = [];
    // An instance of a list that is elsewhere may be the only image in the folder; then it has no manifest file of its
    // own.
    const instanceBytes = manifest.isInstance &&
      await this.#readSmall(instanceFile(manifest.digest), MAX_MANIFEST_SIZE);
    const isInstance = instanceBytes !== undefined && manifest.isInstance;
    for (let number = 1;; number++) {
      signal?.throwIfAborted();
      const bytes = await this.#readSmall(signatureFile({ ...manifest, isInstance }, number), MAX_SIGNATURE_SIZE);
      if (!bytes) return signatures;
      if (number > MAX_SIGNATURES) {
        throw new ManifestsError(
          "LIMIT_EXCEEDED",
          `Cannot read the signatures of ${this.reference}: there are more than ${MAX_SIGNATURES}`,
        );
      }
      signatures.push(parseSignature(bytes));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Reads a manifest or signature, unverified. Returns `undefined` if the file does not exist. */
  async #readSmall(name: string, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = join(this.reference.path, name);
    return await explain(path, "read", async () => {
      const info = await Deno.lstat(path).catch(ignoreMissing);
      if (!info) return undefined;
      await this.#assertFile(path, name);
      if (info.size <= limit) return await Deno.readFile(path);
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read ${name} of ${this.reference}: it has ${info.size} bytes, more than the limit of ${limit}`,
      );
    });
  }

  /** Throws if a path is not a file. Folders are untrusted: a link must not publish another file of this machine. */
  async #assertFile(path: string, what: string): Promise<void> {
    const info = await Deno.lstat(path).catch(ignoreMissing);
    if (!info) {
      throw new ManifestsError("NOT_FOUND", `Cannot read ${what} of ${this.reference}: it is not in the folder`);
    }
    if (info.isFile) return;
    throw new ManifestsError("LAYOUT_INVALID", `Cannot read ${what} of ${this.reference}: it is not a file`);
  }
}

function isManifest(bytes: Uint8Array, digest: Digest): boolean {
  return manifestDigest(bytes, digestAlgorithm(digest)) === digest;
}
