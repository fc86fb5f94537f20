import { findCiBuilder } from "../../actions/room.ts";
import { readEnv } from "../../config/files/room.ts";
import { LOCAL_RUNTIME, locateInStore, readDigestFolder } from "../../system/local/room.ts";
import type { ReleaseHost } from "../host.ts";
import { resolveFrom, resolveImagePath } from "./paths.ts";
import { openReleaseSigners } from "./secrets.ts";

/**
 * Creates the host of a release file on a disk.
 *
 * @param folder Folder of the release file, where relative paths in it begin.
 * @param store Store of images `containers-storage:NAME`. Default: that of the configuration.
 */
export function createReleaseHost(folder: string, store?: { readonly location: string }): ReleaseHost {
  return {
    runtime: LOCAL_RUNTIME,
    locate: (image) => {
      const located = resolveImagePath(folder, image);
      return store ? locateInStore(store, located) : located;
    },
    readDigests: async ({ dir, repository }) =>
      (await readDigestFolder(resolveFrom(folder, dir))).map((digest) => `${repository}@${digest}`),
    openSigners: (signers) => openReleaseSigners(signers, folder),
    findBuilder: () => findCiBuilder(readEnv),
  };
}
