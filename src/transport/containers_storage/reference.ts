import type { ImageDestination, ImageReference, ImageSource, Transport } from "../../image/room.ts";
import { type Digest, ManifestsError } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { formatStore, type ParsedStorageName, parseStorageName, type StoreSpec } from "./parse.ts";
import { resolveImage } from "./resolve.ts";
import { ContainersStorageSource } from "./source.ts";

/** What the transport needs. */
export interface ContainersStorageOptions {
  /** Opens the store that a reference means; `{}` is the default one. */
  openStore(spec: StoreSpec): Promise<ImageStore>;
}

/** The transport of images in local stores, `containers-storage:[STORE]NAME`. */
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

  /** @param ids Of an image that was found: the images that have certain manifests, by the digests of those. */
  constructor(name: ParsedStorageName, options: ContainersStorageOptions, ids?: ReadonlyMap<Digest, string>) {
    this.dockerReference = name.named;
    this.#name = name;
    this.#options = options;
    this.#ids = ids;
  }

  /** An image that was found goes by its id alone: names may go on to others. The real tools record that form too. */
  get stringWithinTransport(): string {
    const { store, id } = this.#name;
    return formatStore(store) + (this.#ids ? `@${id}` : this.#image);
  }

  get policyConfigurationIdentity(): string {
    return this.#scope + this.#image;
  }

  /** The name without an id, without a digest, its repository and what that is part of; then the store. */
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
   * For an image that was found: the image that has this manifest, where that was read, or the same again. Otherwise
   * the name with this digest; an id stays as it is.
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
      // What was found once is found again whatever its names are by now.
      const wanted = this.#ids ? { ...this.#name, named: undefined } : this.#name;
      const image = await resolveImage(store, wanted, String(this));
      const ids = new Map<Digest, string>();
      const name: ParsedStorageName = {
        ...parseStorageName(`${store.location}@${image.id}`),
        named: this.#name.named,
      };
      const reference = new ContainersStorageReference(name, this.#options, ids);
      return new ContainersStorageSource({ reference, store, image, digest: this.dockerReference?.digest, ids });
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * The store, and the name in it that a list gets which is pushed here.
   *
   * @throws {ManifestsError} With code `INVALID_REFERENCE` where it is no name that a list can have.
   */
  async openTarget(): Promise<{ store: ImageStore; name: string }> {
    const { named, id, store } = this.#name;
    if (!named || id !== undefined || named.digest !== undefined) {
      throw new ManifestsError("INVALID_REFERENCE", `Cannot write a list to ${this} as it is not a name with a tag`);
    }
    return { store: await this.#options.openStore(store ?? {}), name: String(named) };
  }

  openDestination(): Promise<ImageDestination> {
    return Promise.reject(
      new ManifestsError(
        "UNSUPPORTED_TRANSPORT",
        `Cannot write to ${this}: a list goes there whole; images are brought there by podman pull or skopeo copy`,
      ),
    );
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }

  #with(change: Partial<ParsedStorageName>): ContainersStorageReference {
    return new ContainersStorageReference({ ...this.#name, ...change }, this.#options, this.#ids);
  }

  /** Without options and the root of what a reboot forgets, which say nothing about whose images these are. */
  get #scope(): string {
    const { driver, root } = this.#name.store ?? {};
    return root ? formatStore({ driver, root }) : "";
  }

  get #image(): string {
    const { named, id, maybeId } = this.#name;
    return maybeId ?? `${named ?? ""}${id ? `@${id}` : ""}`;
  }
}
