import { join } from "@std/path";
import type { ImageSource, InstanceOptions, ManifestBytes } from "../../image/mod.ts";
import type { ByteStream } from "../../internal/mod.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  manifestDigest,
  ManifestsError,
  MAX_MANIFEST_SIZE,
} from "../../spec/mod.ts";
import { explain, ignoreMissing } from "../files/errors.ts";
import { hexOf, instanceFile, MANIFEST_FILE, readVersion } from "./folder.ts";
import type { DirReference } from "./reference.ts";

/** Opens an image in a folder. A folder without a version is read all the same, as the real tools do. */
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
    const own = instance && await this.#readManifest(instanceFile(instance));
    const bytes = own ?? await this.#readManifest(MANIFEST_FILE);
    const isRight = own || instance === undefined || (bytes && isManifest(bytes, instance));
    if (bytes && isRight) return { bytes };
    throw new ManifestsError(
      "NOT_FOUND",
      `Cannot read ${instance ?? "the manifest"} of ${this.reference} as it is not there`,
    );
  }

  async getBlob({ digest }: Descriptor, { signal }: InstanceOptions = {}): Promise<ByteStream> {
    signal?.throwIfAborted();
    const path = join(this.reference.path, hexOf(digest));
    return await explain(path, "read", async () => {
      await this.#requireFile(path, `blob ${digest}`);
      return (await Deno.open(path)).readable as ByteStream;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** A manifest, unverified; `undefined` where there is no such file. */
  async #readManifest(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = join(this.reference.path, name);
    return await explain(path, "read", async () => {
      const info = await Deno.lstat(path).catch(ignoreMissing);
      if (!info) return undefined;
      await this.#requireFile(path, name);
      if (info.size <= MAX_MANIFEST_SIZE) return await Deno.readFile(path);
      throw new ManifestsError(
        "LIMIT_EXCEEDED",
        `Cannot read ${name} of ${this.reference} as it has ${info.size} bytes, which is too many`,
      );
    });
  }

  /** A folder is often somebody else's: a link in it must not make us publish a file of this machine. */
  async #requireFile(path: string, what: string): Promise<void> {
    const info = await Deno.lstat(path).catch(ignoreMissing);
    if (!info) throw new ManifestsError("NOT_FOUND", `Cannot read ${what} of ${this.reference} as it is not there`);
    if (info.isFile) return;
    throw new ManifestsError("LAYOUT_INVALID", `Cannot read ${what} of ${this.reference} as it is no file`);
  }
}

function isManifest(bytes: Uint8Array, digest: Digest): boolean {
  return manifestDigest(bytes, digestAlgorithm(digest)) === digest;
}
