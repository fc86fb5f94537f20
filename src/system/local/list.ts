import {
  BaseList,
  type EditCallback,
  type EditListOptions,
  editStoredList,
  type List as ManifestList,
  type LoadedList,
  loadList,
} from "../../list/room.ts";
import type { ImageReference } from "../../image/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { LOCAL_HOST } from "./host.ts";

/** A list of a host with a disk. */
class LocalList extends BaseList {
  /** Creates an empty list that reaches all transports of this host. */
  constructor() {
    super(LOCAL_HOST);
  }

  /** Creates a list from the bytes of an index. */
  static fromBlob(bytes: Uint8Array<ArrayBuffer>): LocalList {
    const list = new LocalList();
    list.readBlob(bytes);
    return list;
  }

  /** Creates a list from the record of a store. */
  static fromStore(loaded: LoadedList): LocalList {
    const list = new LocalList();
    list.readLoaded(loaded);
    return list;
  }
}

/** An editable list of images for several platforms: see {@linkcode ManifestList}, which documents its members. */
export type List = ManifestList;

/**
 * Functions that create a list.
 *
 * @example
 * ```ts
 * import { create, List } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const list = create();
 * list.addInstance({
 *   digest: "sha256:4a0282ec3da48191496d13e7373ad3e88b6906ea7133351c17a8371755a534b6",
 *   size: 495,
 *   mediaType: "application/vnd.oci.image.manifest.v1+json",
 *   platform: { os: "linux", architecture: "arm64", variant: "v8" },
 * });
 * const copy = List.fromBlob(list.serialize());
 * assert.deepEqual(copy.instances(), list.instances());
 * ```
 */
export const List: {
  /**
   * Creates a list from the bytes of an index. Go: `manifests.FromBlob`. An index does not record the locations of its
   * instances: such a list can be edited and saved, but pushed only after `locateInstances` or `add`.
   *
   * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST`.
   * @throws {ManifestsSyntaxError} With code `INVALID_JSON`, `INVALID_MANIFEST` or `INVALID_DIGEST`.
   */
  fromBlob(bytes: Uint8Array<ArrayBuffer>): List;
} = { fromBlob: LocalList.fromBlob };

/**
 * Creates an empty list. Go: `Create`.
 *
 * @example
 * ```ts
 * import { create } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(create().instances(), []);
 * ```
 */
export function create(): List {
  return new LocalList();
}

/**
 * Loads a list from a store. Go: `LoadFromImage`.
 *
 * @param image A name or an id, as podman takes it: `app`, `localhost/app:1`, `0123abcd`.
 * @throws {ListImageUnknownError} If the store has no such image; code `LIST_IMAGE_UNKNOWN`.
 * @throws {ManifestsError} With code `NOT_A_MANIFEST_LIST` if it is an ordinary image; `STORE_CORRUPT` if the list or the
 * store is damaged; `STORE_IO` if the store cannot be read.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON`.
 *
 * @example
 * ```ts
 * import { create, createMemoryStore, loadFromImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * await create().saveToImage(store, { names: ["app"] });
 * const { list } = await loadFromImage(store, "localhost/app:latest");
 * assert.equal(list.size, 0);
 * ```
 */
export async function loadFromImage(store: ImageStore, image: string): Promise<{ imageId: string; list: List }> {
  return await loadList(store, image, (loaded) => LocalList.fromStore(loaded));
}

/**
 * Changes a list in a store as one transaction: lock, load, change, save. Concurrent calls for the same list wait for
 * each other. If a program that does not take the lock changes the list at the same time, `edit` is called again with
 * the changed list. Scripts should edit lists with this function.
 *
 * Another `editList` of the same list inside `edit` is an error: the list is locked. Browsers cannot detect it: it
 * waits there until `options.signal` is aborted.
 *
 * @returns The value that `edit` returned.
 * @throws {TypeError} If it is called inside `edit` of the same list.
 * @throws {ListImageUnknownError} If the store has no such image; code `LIST_IMAGE_UNKNOWN`.
 * @throws {ManifestsError} With code `LIST_CHANGED` if other programs changed the list during every attempt;
 * `NOT_A_MANIFEST_LIST`, `STORE_CORRUPT`, `INVALID_JSON` if the list cannot be loaded; `LOCK_UNAVAILABLE` or `STORE_IO`
 * if the store fails.
 *
 * @example
 * ```ts
 * import { create, createMemoryStore, editList, loadFromImage } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * await using store = createMemoryStore();
 * await create().saveToImage(store, { names: ["app"] });
 * await editList(store, "app", (list) => list.setAnnotations(undefined, { team: "release" }));
 * assert.deepEqual((await loadFromImage(store, "app")).list.annotations(undefined), { team: "release" });
 * ```
 */
export async function editList<T>(
  store: ImageStore,
  image: string,
  edit: EditCallback<List, T>,
  options: EditListOptions = {},
): Promise<T> {
  return await editStoredList(store, image, loadFromImage, edit, options);
}

/**
 * Parses the name of an image, `transport:reference`. A name without a transport means `docker://`. Go:
 * `alltransports.ParseImageName`.
 *
 * @throws {ManifestsSyntaxError} With code `INVALID_REFERENCE`.
 * @throws {ManifestsError} With code `UNSUPPORTED_TRANSPORT`; `TRANSPORT_NOT_SUPPORTED` for `tarball:`, `sif:`, `ostree:`
 * and `atomic:`.
 *
 * @example
 * ```ts
 * import { parseImageName } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * assert.equal(String(parseImageName("alpine")), "docker://alpine:latest");
 * ```
 */
export function parseImageName(name: string): ImageReference {
  return LOCAL_HOST.transports.parseImageName(name);
}
