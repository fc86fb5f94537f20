import type { ImageStore } from "../store/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { ListHost } from "./host.ts";
import { BaseList } from "./list.ts";
import type { LoadedList } from "./load.ts";
import { loadList } from "./load.ts";

/** A host without access to registries or files. */
const NO_HOST: ListHost = {
  transports: {
    parseImageName(name) {
      throw new ManifestsError(
        "UNSUPPORTED_TRANSPORT",
        `Cannot use image name ${JSON.stringify(name)} with a list that reaches no other places`,
      );
    },
  },
  platform: { os: "linux", architecture: "amd64" },
  openPolicy: () => ({
    assertAllowed: () =>
      Promise.reject(
        new ManifestsError("POLICY_MISSING", "Cannot judge images with a list that reaches no other places"),
      ),
  }),
};

/**
 * A list that is created, looked at, annotated and saved, but to which nothing can be added from other places and which
 * cannot be pushed: a program that needs no more starts without the code that moves images.
 */
export class OfflineList extends BaseList {
  /** Creates an empty list without a host. */
  constructor() {
    super(NO_HOST);
  }

  /** A list that a store holds. */
  static fromStore(loaded: LoadedList): OfflineList {
    const list = new OfflineList();
    list.readLoaded(loaded);
    return list;
  }

  /** Loads a list from a store; fails as `loadFromImage` does. */
  static async load(store: ImageStore, image: string): Promise<{ imageId: string; list: OfflineList }> {
    return await loadList(store, image, (loaded) => OfflineList.fromStore(loaded));
  }
}
