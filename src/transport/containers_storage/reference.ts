import type {
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
  Transport,
} from "../../image/room.ts";
import { type Digest, ManifestsError } from "../../spec/room.ts";
import type { ImageStore, ImageWriter, StoredImage } from "../../store/room.ts";
import { formatStore, type ParsedStorageName, parseStorageName, type StoreSpec } from "./parse.ts";
import { resolveRecord } from "./resolve.ts";

/** Options for {@linkcode createContainersStorageTransport}. */
export interface ContainersStorageOptions {
  /** Opens the store that a reference names; `{}` is the default store. */
  openStore(spec: StoreSpec): Promise<ImageStore>;
  /** Opens such a store for writing one image. `temporaryFolder` is for large files; default: that of the system. */
  openImageWriter(spec: StoreSpec, options: { temporaryFolder?: string | undefined }): Promise<ImageWriter>;
  /**
   * Deletes an image of such a store with the layers that nothing else uses. Fails with code `CONFLICT` if it does not have
   * exactly these names.
   */
  deleteImage(spec: StoreSpec, image: Pick<StoredImage, "id" | "names">): Promise<void>;
}

/** Result of {@linkcode ContainersStorageReference.deleteImage}. */
export interface DeletedStorageImage {
  /** Digest of the image's manifest. */
  readonly digest: Digest;
  /** Names that the image still has; none if it was deleted. */
  readonly keptNames: readonly string[];
}

/** Creates the transport of images in local stores, `containers-storage:[STORE]NAME`. */
export function createContainersStorageTransport(options: ContainersStorageOptions): Transport {
  return {
    name: "containers-storage",
    parseReference: (text) => new ContainersStorageReference(parseStorageName(text), options),
  };
}

/** An image in a local store. */
export class ContainersStorageReference implements ImageReference {
  readonly transport = "containers-storage";
  readonly dockerReference: ImageReference["dockerReference"];
  readonly #name: ParsedStorageName;
  readonly #options: ContainersStorageOptions;
  readonly #ids: ReadonlyMap<Digest, string> | undefined;

  /** @param ids For an image that was found: ids of the images that have certain manifests, by digest. */
  constructor(name: ParsedStorageName, options: ContainersStorageOptions, ids?: ReadonlyMap<Digest, string>) {
    this.dockerReference = name.named;
    this.#name = name;
    this.#options = options;
    this.#ids = ids;
  }

  /** An image that was found is identified by its id alone, because names may move to other images; as in podman. */
  get stringWithinTransport(): string {
    const { store, id } = this.#name;
    return formatStore(store) + (this.#ids ? `@${id}` : this.#image);
  }

  get policyConfigurationIdentity(): string {
    return this.#scope + this.#image;
  }

  /** The name without its id, then without its digest, the repository and the namespaces above it; then the store. */
  get policyConfigurationNamespaces(): readonly string[] {
    const { named, id, store } = this.#name;
    const namespaces: string[] = [];
    if (named) {
      if (id) namespaces.push(this.#scope + named);
      if (named.tag !== undefined && named.digest !== undefined) {
        namespaces.push(`${this.#scope}${named.name}:${named.tag}`);
      }
      for (let at = named.name; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) {
        namespaces.push(this.#scope + at);
      }
    }
    if (this.#scope) namespaces.push(this.#scope);
    if (store?.root) namespaces.push(`[${store.root}]`);
    return [...new Set(namespaces)];
  }

  /**
   * For an image that was found, returns the image that has this manifest, if it was read before, or the same
   * reference. Otherwise returns the name with this digest; a reference with an id is returned unchanged.
   */
  withDigest(digest: Digest): ContainersStorageReference {
    const { named, id, maybeId } = this.#name;
    const found = this.#ids?.get(digest);
    if (found !== undefined && found !== id) return this.#with({ named: undefined, id: found });
    if (!named || id !== undefined || maybeId !== undefined) return this;
    return this.#with({ named: named.withDigest(digest) });
  }

  async openSource(): Promise<ImageSource> {
    const store = await this.#options.openStore(this.#name.store ?? {});
    try {
      // An image that was found is found again by its id, even if its names have changed.
      const name = this.#ids ? { ...this.#name, named: undefined } : this.#name;
      const image = await resolveRecord(store, name, String(this));
      const ids = new Map<Digest, string>();
      const found: ParsedStorageName = {
        ...parseStorageName(`${store.location}@${image.id}`),
        named: this.#name.named,
      };
      const reference = new ContainersStorageReference(found, this.#options, ids);
      const { ContainersStorageSource } = await import("./source.ts");
      return new ContainersStorageSource({ reference, store, image, digest: this.dockerReference?.digest, ids });
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Opens the store to which a list is pushed, and returns it with the name of the list.
   *
   * @throws {ManifestsError} With code `INVALID_REFERENCE` if the reference is not a name with a tag.
   */
  async openTarget(): Promise<{ store: ImageStore; name: string }> {
    const { named, id, store } = this.#name;
    if (!named || id !== undefined || named.digest !== undefined) {
      throw new ManifestsError("INVALID_REFERENCE", `Cannot write a list to ${this}: it is not a name with a tag`);
    }
    return { store: await this.#options.openStore(store ?? {}), name: String(named) };
  }

  /** Opens the store for an image. The code that writes images is loaded now. */
  async openDestination(
    { bigFilesTemporaryDir }: SystemContext = {},
    { index }: OpenDestinationOptions = {},
  ): Promise<ImageDestination> {
    const { store = {}, named, id } = this.#name;
    if (id !== undefined && id.length !== 64) {
      throw new ManifestsError(
        "INVALID_REFERENCE",
        `Cannot write an image to ${this}: its id must have 64 hexadecimal digits`,
      );
    }
    const [{ ContainersStorageDestination }, writer] = await Promise.all([
      import("./destination.ts"),
      this.#options.openImageWriter(store, { temporaryFolder: bigFilesTemporaryDir }),
    ]);
    return new ContainersStorageDestination({ reference: this, writer, named, id, index });
  }

  /**
   * Deletes the image, or only this name if the image has others, as podman does.
   *
   * @param withNames Delete the image with all its names.
   * @throws {ManifestsError} With code `NOT_FOUND`; `STORE_READ_ONLY` if it is in an additional store or cannot be changed
   * by this process; `IMAGE_IN_USE` if a container uses it, or if this is not one of its several names; `CONFLICT` if
   * another program changes its names; `STORE_CORRUPT` if its record has no manifest.
   */
  async deleteImage({ withNames }: { withNames: boolean }): Promise<DeletedStorageImage> {
    const spec = this.#name.store ?? {};
    await using store = await this.#options.openStore(spec);
    const image = await resolveRecord(store, this.#name, String(this));
    const { id, names, digest } = image;
    const fail = (code: "STORE_READ_ONLY" | "STORE_CORRUPT" | "IMAGE_IN_USE", problem: string): never => {
      throw new ManifestsError(code, `Cannot delete ${this}: ${problem}`);
    };
    if (image.readOnly) fail("STORE_READ_ONLY", "it is in an additional store, which is read-only");
    if (!digest) return fail("STORE_CORRUPT", "its record has no manifest: use podman rmi");
    if (withNames || names.length < 2) {
      await this.#options.deleteImage(spec, image);
      return { digest, keptNames: [] };
    }
    const name = String(this.#name.named);
    if (!names.includes(name)) {
      const listed = names.map((other) => JSON.stringify(other)).join(", ");
      fail("IMAGE_IN_USE", `it has several names, ${listed}: delete each of them, or all with --manifest`);
    }
    await store.updateNames(id, "remove", [name]);
    return { digest, keptNames: names.filter((other) => other !== name) };
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }

  #with(change: Partial<ParsedStorageName>): ContainersStorageReference {
    return new ContainersStorageReference({ ...this.#name, ...change }, this.#options, this.#ids);
  }

  /** Store specifier in scopes of a policy: without options and run root, which do not identify the images. */
  get #scope(): string {
    const { driver, root } = this.#name.store ?? {};
    return root ? formatStore({ driver, root }) : "";
  }

  get #image(): string {
    const { named, id, maybeId } = this.#name;
    return maybeId ?? `${named ?? ""}${id ? `@${id}` : ""}`;
  }
}
